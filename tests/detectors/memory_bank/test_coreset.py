from itertools import combinations

import pytest
import torch

from hardsight.detectors.memory_bank.coreset import greedy_coreset


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def points(n: int, dims: int = 3) -> torch.Tensor:
    return torch.randn(n, dims, generator=generator(1), dtype=torch.float64)


def radius(x: torch.Tensor, index) -> float:
    """Distance of the point that is farthest from the chosen ones."""
    return float(torch.cdist(x, x[list(index)]).amin(1).max())


def test_each_vector_is_the_farthest_from_those_before():
    x = points(40)
    taken = greedy_coreset(x, 12, generator()).tolist()
    distances = torch.cdist(x, x)
    for i in range(1, 12):
        assert taken[i] == int(distances[:, taken[:i]].amin(1).argmax())


def test_it_covers_at_worst_twice_as_far_as_the_best_of_all_subsets():
    x = points(14)
    best = min(radius(x, index) for index in combinations(range(14), 4))
    for seed in range(5):
        assert radius(x, greedy_coreset(x, 4, generator(seed)).tolist()) <= 2 * best + 1e-9


def test_projected_distances_choose_nearly_as_well():
    x = points(400, 200)
    plain = radius(x, greedy_coreset(x, 20, generator()).tolist())
    projected = greedy_coreset(x, 20, generator(), projection=64).tolist()
    assert radius(x, projected) < 1.15 * plain


def test_equal_vectors_are_taken_once_each():
    taken = greedy_coreset(torch.ones(10, 2), 6, generator())
    assert len(taken.unique()) == 6


def test_all_are_taken_where_there_are_no_more():
    assert greedy_coreset(points(3), 5, generator()).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="size >= 1, got 3 and 0"):
        greedy_coreset(points(3), 0, generator())
