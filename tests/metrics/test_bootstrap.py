import numpy as np
import pytest
from scipy.stats import norm

from hardsight.metrics.bootstrap import bootstrap, bootstrap_over_draws, pixel_auroc_interval
from hardsight.metrics.image import auroc, average_precision
from hardsight.metrics.pixel import pixel_auroc


def gaussians(seed, normal=60, anomalous=100, shift=1.5, draws=None):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(normal + anomalous) < anomalous)
    scores = rng.normal(size=labels.size) + shift * labels
    if draws is not None:
        scores = scores[:, None] + 0.5 * rng.normal(size=(labels.size, draws))
    return scores, labels


@pytest.mark.parametrize("decimals", [0, 6])
def test_the_fast_path_counts_what_the_slow_path_ranks(decimals):
    scores, labels = gaussians(0, 20, 30)
    scores = np.round(scores, decimals)  # 0: many ties
    slow = bootstrap(lambda s, y: auroc(s, y), scores, labels, resamples=200)
    assert bootstrap(auroc, scores, labels, resamples=200) == pytest.approx(slow, abs=1e-14)


def test_it_is_repeatable():
    scores, labels = gaussians(1)
    first = bootstrap(auroc, scores, labels)
    assert bootstrap(auroc, scores, labels) == first
    assert bootstrap(auroc, scores, labels, seed=1) != first
    assert first[0] == auroc(scores, labels)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    truth = norm.cdf(1.5 / np.sqrt(2))
    inside = 0
    for seed in range(150):
        _, low, high = bootstrap(auroc, *gaussians(seed), resamples=300, level=0.9)
        inside += low <= truth <= high
    assert 0.82 <= inside / 150 <= 0.97  # 0.90 give or take three standard errors


def test_any_statistic_is_resampled_with_both_classes_kept():
    scores, labels = gaussians(2, 3, 4)
    counts = []

    def record(s, y):
        counts.append((int(y.sum()), int((~y).sum())))
        return average_precision(s, y)

    value, low, high = bootstrap(record, scores, labels, resamples=50)
    assert set(counts) == {(4, 3)}
    assert low <= value <= high


def test_one_draw_repeated_is_the_plain_bootstrap_in_width():
    scores, labels = gaussians(3)
    value, low, high = bootstrap_over_draws(auroc, np.repeat(scores[:, None], 5, axis=1), labels)
    plain = bootstrap(auroc, scores, labels)
    assert value == pytest.approx(plain[0])
    assert (low, high) == pytest.approx(plain[1:], abs=0.02)


def test_noise_between_draws_lowers_the_value_and_is_in_the_interval():
    scores, labels = gaussians(4, draws=30)
    value, low, high = bootstrap_over_draws(auroc, scores, labels)
    assert value == pytest.approx(np.mean([auroc(scores[:, d], labels) for d in range(30)]))
    assert low < value < high
    assert value < auroc(scores.mean(axis=1), labels)


def test_the_pixel_interval_resamples_whole_images():
    rng = np.random.default_rng(0)
    masks = rng.random((6, 5, 5)) < 0.3
    masks[:2] = False
    maps = np.round(rng.normal(size=masks.shape) + masks, 1)
    value, low, high = pixel_auroc_interval(maps, masks, resamples=200, seed=3)
    assert value == pytest.approx(pixel_auroc(maps, masks), abs=1e-12)
    slow, again = [], np.random.default_rng(3)
    for _ in range(200):
        i, j = again.integers(0, 4, 4) + 2, again.integers(0, 2, 2)
        picked = np.concatenate((i, j))
        slow.append(pixel_auroc(maps[picked], masks[picked]))
    assert (low, high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])), abs=1e-12)


def test_bad_input_is_named():
    scores, labels = gaussians(5)
    with pytest.raises(ValueError, match="level must be"):
        bootstrap(auroc, scores, labels, level=95)
    with pytest.raises(ValueError, match="resamples must be"):
        bootstrap(auroc, scores, labels, resamples=0)
    with pytest.raises(ValueError, match=r"scores must have shape \(N, D\)"):
        bootstrap_over_draws(auroc, scores, labels)
    with pytest.raises(ValueError, match="statistic's values must be finite"):
        bootstrap(lambda s, y: float("nan"), scores, labels)


def test_resamples_of_nothing_but_defect_rank_no_pixels():
    """Of two images one is all defect: drawn twice, as one time in four, it has no figure."""
    maps = np.random.default_rng(0).random((2, 4, 4))
    masks = np.ones((2, 4, 4), bool)
    masks[1, 2:] = False
    whole, alone = pixel_auroc(maps, masks), pixel_auroc(maps[1:], masks[1:])
    assert whole != alone
    found = pixel_auroc_interval(maps, masks, resamples=200)
    assert found == pytest.approx((whole, min(whole, alone), max(whole, alone)))
