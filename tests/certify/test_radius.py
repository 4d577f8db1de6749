import math

import numpy as np
import pytest
from promises import keeps
from scipy.stats import norm

from hardsight.certify import (
    Decision,
    certified_radius,
    largest_radius,
    linf_radius,
    needed_samples,
    percentile_bounds,
    ranks,
)


@pytest.mark.parametrize("quantile", [0.5, 0.7])
def test_it_is_where_the_bounds_cross_the_threshold(quantile):
    sigma, alpha = 0.3, 0.02
    scores = np.random.default_rng(0).normal(np.linspace(-1.5, 1.5, 21), 1, (500, 21))
    found = certified_radius(scores, 0.0, sigma, alpha, quantile)
    assert set(found.decision) == set(Decision)
    for radius in np.linspace(0, 0.8, 161):
        lower, upper = percentile_bounds(scores, radius, sigma, alpha / 2, quantile)
        certain = np.where(lower > 0, 1, np.where(upper <= 0, -1, 0))
        np.testing.assert_array_equal(
            certain, np.where(found.radius >= radius, found.decision, Decision.UNDECIDED)
        )


@pytest.mark.parametrize("margin", [0.0, 0.3, -1.0])
def test_coverage_of_the_radius_itself(margin):
    """f = u: the decision at 0 of the median ``margin`` is safe up to |margin| and no further."""
    alpha, n = 0.05, 200
    scores = margin + np.random.default_rng(1).standard_normal((n, 20000))
    found = certified_radius(scores, 0.0, 1.0, alpha)
    side = np.where(margin > 0, Decision.ANOMALOUS, Decision.NORMAL)
    wrong_side = (found.decision != side) & (found.decision != Decision.UNDECIDED)
    false = wrong_side | (found.radius > abs(margin))
    assert keeps(false, alpha)
    assert false.mean() > alpha / 6
    # one sample that picks its side and then judges it at the full alpha promises too much
    careless = certified_radius(scores, 0.0, 1.0, 2 * alpha)
    if margin == 0.0:
        assert not keeps(careless.decision != Decision.UNDECIDED, alpha)


def test_abstaining_is_nan_and_unanimity_reaches_the_largest_radius():
    scores = np.array([[1.0, -1.0, 1.0]] * 500 + [[1.0, -1.0, -1.0]] * 500)
    found = certified_radius(scores, 0.0, 0.25, 0.002)
    assert found.decision.tolist() == [1, -1, 0]
    assert found.radius[:2] == pytest.approx([largest_radius(1000, 0.25, 0.001)] * 2)
    assert math.isnan(found.radius[2])
    # an alarm is a score strictly above the threshold, as everywhere
    assert certified_radius(np.zeros(100), 0.0, 0.25, 0.01).decision == Decision.NORMAL


@pytest.mark.parametrize(("n", "largest"), [(200, 1.83), (1000, 2.46), (10000, 3.20), (1e5, 3.81)])
def test_the_table_of_largest_radii(n, largest):
    assert largest_radius(int(n), 1.0, 0.001) == pytest.approx(largest, abs=0.005)


@pytest.mark.parametrize("quantile", [0.2, 0.5])
def test_needed_samples_are_just_enough(quantile):
    for radius in (0.0, 0.1, 0.37, 0.9):
        n = int(needed_samples(radius, 0.25, 0.001, quantile))
        for m, enough in ((n, True), (n - 1, False)):
            low, high = ranks(m, radius, 0.25, 0.001, quantile)
            assert (low >= 1 and high <= m) == enough
        assert largest_radius(n, 0.25, 0.001, quantile) >= radius
        below = largest_radius(n - 1, 0.25, 0.001, quantile)
        assert math.isnan(below) or below < radius
    assert needed_samples(50.0, 1.0, 0.001) == math.inf
    assert math.isnan(largest_radius(5, 1.0, 0.001))


@pytest.mark.parametrize(("sigma", "zeros"), [(0.0625, {0.1, 0.2}), (0.125, {0.2}), (0.25, set())])
def test_a_hundred_samples_explain_the_zeros_of_the_papers_table_6(sigma, zeros):
    assert {r for r in (0, 0.05, 0.1, 0.2) if r > largest_radius(100, sigma, 0.001)} == zeros


def test_what_it_says_of_linf():
    d = 3 * 256 * 256
    assert linf_radius(13.9, d) * 255 == pytest.approx(8, abs=0.02)
    corner = np.full(d, linf_radius(0.2, d))
    assert np.linalg.norm(corner) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="d must be"):
        linf_radius(0.1, 0)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="threshold must be finite"):
        certified_radius(np.zeros(9), math.nan, 0.1, 0.1)
    with pytest.raises(ValueError, match=r"\(n,\) or \(n, B\)"):
        certified_radius(np.zeros((9, 2, 2)), 0.0, 0.1, 0.1)
    with pytest.raises(ValueError, match="quantile must be"):
        certified_radius(np.zeros(9), 0.0, 0.1, 0.1, 0.0)
    with pytest.raises(ValueError, match="sigma must be"):
        largest_radius(9, -1.0, 0.1)


def test_the_normal_law_gives_the_radius_of_a_large_sample():
    scores = 0.6 + np.random.default_rng(2).standard_normal(200_000)
    radius = float(certified_radius(scores, 0.0, 1.0, 0.001).radius)
    assert radius == pytest.approx(0.6, rel=0.03)
    assert radius <= norm.ppf((scores > 0).mean())
