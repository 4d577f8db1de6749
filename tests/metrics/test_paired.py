import numpy as np
import pytest

from hardsight.metrics import auroc
from hardsight.metrics.paired import LEVEL, RESAMPLES, accuracy_difference, auroc_difference


def scores(n: int, gap: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = np.arange(2 * n) >= n
    return np.round(rng.standard_normal(2 * n) + gap * labels, 1), labels


def test_the_value_is_the_difference_of_the_metrics():
    a, labels = scores(9, 1.0)
    b, _ = scores(9, 0.3, seed=1)
    value, low, high = auroc_difference(a, b, labels)
    assert value == pytest.approx(auroc(a, labels) - auroc(b, labels))
    assert low <= value <= high


def test_the_interval_is_that_of_images_drawn_again():
    """Held against a plain loop that resamples images and ranks them anew."""
    a, labels = scores(7, 1.0)
    b, _ = scores(7, 0.2, seed=1)
    _, low, high = auroc_difference(a, b, labels)
    rng = np.random.default_rng(5)
    values = []
    for _ in range(RESAMPLES):
        i = np.concatenate([rng.choice(np.flatnonzero(labels == k), 7) for k in (False, True)])
        values.append(auroc(a[i], labels[i]) - auroc(b[i], labels[i]))
    expected = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    np.testing.assert_allclose((low, high), expected, atol=0.06)


def test_equal_scores_do_not_differ_and_one_image_proves_nothing():
    a, labels = scores(8, 5.0)
    assert auroc_difference(a, a, labels) == (0, 0, 0)
    b = a.copy()
    b[-1] = -9.0  # one anomalous image lost
    lost, low, _ = auroc_difference(a, b, labels)
    assert lost == pytest.approx(1 / 8)
    assert low == 0


def test_few_false_alarms_between_equal_attacks():
    """Two attacks of the same strength and independent luck differ rarely beyond the interval."""
    alarms = 0
    for seed in range(100):
        a, labels = scores(8, 1.0, seed=2 * seed)
        b, _ = scores(8, 1.0, seed=2 * seed + 1)
        alarms += auroc_difference(a, b, labels)[1] > 0
    assert alarms <= 4


def test_the_interval_of_accuracies_is_that_of_images_drawn_again():
    """Held against a plain loop that draws the images anew."""
    rng = np.random.default_rng(3)
    a, b = rng.random(40) < 0.8, rng.random(40) < 0.5
    value, low, high = accuracy_difference(a, b)
    assert value == pytest.approx(a.mean() - b.mean())
    picks = rng.integers(0, 40, (4000, 40))
    values = a[picks].mean(1) - b[picks].mean(1)
    expected = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    np.testing.assert_allclose((low, high), expected, atol=0.04)
    one = np.ones(40, bool)
    assert accuracy_difference(one, np.arange(40) > 0)[1] == 0  # one image proves nothing
    assert accuracy_difference(one, np.arange(40) > 7)[1] > 0
