from itertools import product

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from sklearn.metrics import roc_auc_score

from hardsight.evaluation.distribution_shift import (
    STATISTICS,
    compare,
    distribution_shifts,
    warning,
)


def test_a_comparison_counts_pairs():
    values, others = [1.0, 4.0, 4.0, 7.0], [2.0, 4.0, 5.0]
    found = compare(values, others)
    pairs = [(a > b) + 0.5 * (a == b) for a, b in product(values, others)]
    assert found.higher == pytest.approx(np.mean(pairs))
    assert compare(others, values).higher == pytest.approx(1 - found.higher)
    assert compare(others, values).told_apart == found.told_apart >= 0.5
    scores, labels = values + others, [1] * 4 + [0] * 3
    assert found.higher == pytest.approx(roc_auc_score(labels, scores))


def test_the_p_value_is_the_share_of_divisions_as_uneven():
    """Of all ways to call 3 of 8 distinct values the first set, so many are as far from half."""
    values = np.array([9.0, 8.0, 5.0])
    others = np.array([1.0, 2.0, 3.0, 4.0, 7.0])
    together = np.concatenate([values, others])
    found = compare(values, others)
    uneven = [
        compare(together[list(some)], np.delete(together, some)).told_apart
        for some in product(range(8), repeat=3)
        if some[0] < some[1] < some[2]
    ]
    share = np.mean(np.array(uneven) >= found.told_apart - 1e-9)
    assert found.p_value == pytest.approx(share)


def test_alike_means_close_or_too_few_to_tell():
    rng = np.random.default_rng(0)
    assert compare(rng.normal(0.3, 1, 500), rng.normal(0, 1, 500)).alike  # far less than 0.7
    assert compare([2.0], [1.0]).alike  # one pair says nothing
    assert compare([3.0] * 20, [3.0] * 9).alike  # nothing differs
    assert not compare(rng.normal(2, 1, 30), rng.normal(0, 1, 30)).alike


def test_statistics_of_pictures_with_known_ones():
    flat, board = torch.full((1, 3, 8, 8), 0.25), torch.zeros(1, 3, 8, 8)
    board[..., ::2, 1::2] = board[..., 1::2, ::2] = 1
    window = np.ones((3, 3))
    sums, counts = (convolve2d(a, window, "same") for a in (board[0, 0], np.ones((8, 8))))
    means = torch.from_numpy(sums / counts)
    found = {name: torch.cat([f(flat), f(board)]).tolist() for name, f in STATISTICS.items()}
    assert found["brightness"] == pytest.approx([0.25, 0.5])
    assert found["contrast"][0] == 0
    assert found["contrast"][1] == pytest.approx(float(board.std()))
    assert found["sharpness"] == pytest.approx([0, float((board - means).abs().mean())])


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ([98, 100, 102, 104, 96, 94], [99, 103, 95, 101], None),
        ([60, 62, 64, 66, 68, 70], [63, 61, 65, 67], "threshold"),
        ([60, 61, 62, 63, 64, 65], [100] * 12, "brightness 1.000"),
    ],
)
def test_a_test_set_in_another_light_is_warned_of(make_set, good, bad, said):
    data = make_set(good, bad)
    known = distribution_shifts(data)
    assert [one.name for one in known] == list(STATISTICS)
    bright = known[0]
    parts = (data.train, data.validation)
    normal = [float(x.float().mean()) for part in parts for x in part.images()]
    assert bright.good.higher == pytest.approx(compare(good, normal).higher)
    assert bright.defects.higher == pytest.approx(compare(bad, good).higher)
    text = warning(known)
    if said is None:
        assert text is None
    else:
        assert "brightness (AUROC 1.000)" in text
        assert said in text
        assert ("threshold" in text) == (said == "threshold")
