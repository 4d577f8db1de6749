import sys

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from hardsight.detectors.memory_bank.bank import ROWS, Bank


def vectors(n: int, dims: int = 7, seed: int = 0, dtype=torch.float32) -> torch.Tensor:
    return torch.randn(n, dims, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def filled(n: int = 200, dims: int = 7, dtype=torch.float32) -> Bank:
    bank = Bank(1, dims)
    bank.fill(vectors(n, dims, dtype=dtype))
    return bank


@pytest.mark.parametrize("k", [1, 5])
def test_neighbours_are_those_of_scikit_learn(k):
    bank, queries = filled(), vectors(ROWS + 30, seed=1)
    found = bank.nearest(queries, k)
    right = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(bank.vectors.numpy())
    distances, index = right.kneighbors(queries.numpy())
    assert (found.numpy() == index).all()
    mine = bank.distances(queries, found)
    torch.testing.assert_close(mine, torch.from_numpy(distances).float())


def test_the_gradient_is_that_of_the_whole_distance_matrix():
    bank = filled(50, dtype=torch.float64)
    mine = vectors(9, seed=2, dtype=torch.float64).requires_grad_()
    whole = mine.detach().clone().requires_grad_()
    bank.distances(mine, bank.nearest(mine)).sum().backward()
    torch.cdist(whole, bank.vectors).amin(1).sum().backward()
    torch.testing.assert_close(mine.grad, whole.grad)


def test_the_gradient_at_a_vector_of_the_bank_is_zero_and_not_nan():
    bank = filled()
    query = bank.vectors[:3].clone().requires_grad_()
    distances = bank.distances(query, bank.nearest(query))
    assert distances.eq(0).all()
    distances.sum().backward()
    assert query.grad.eq(0).all()


def test_an_unknown_search_is_named():
    with pytest.raises(ValueError, match="search must be exact or faiss, got 'annoy'"):
        Bank(1, 7, "annoy")


def test_without_faiss_the_exact_search_is_offered(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"search='faiss' needs faiss.*or take search='exact'"):
        Bank(50, 7, "faiss").nearest(vectors(2))


@pytest.mark.parametrize("k", [0, 201])
def test_more_neighbours_than_vectors_are_refused(k):
    with pytest.raises(ValueError, match="k must be 1 to 200"):
        filled().nearest(vectors(2), k)
