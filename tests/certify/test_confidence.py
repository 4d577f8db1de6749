from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import stats

from hardsight.certify import (
    binomial_cdf,
    critical_count,
    holm,
    per_image_alpha,
    upper_confidence,
)


def left_tail(n: int, p: Fraction, m: int) -> Fraction:
    return sum((comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(m + 1)), Fraction(0))


@pytest.mark.parametrize("alpha", [0.3, 0.05, 0.001, 6.25e-6, 1e-12])
def test_clopper_pearson_puts_exactly_alpha_in_the_tail(alpha):
    n = 60
    k = np.arange(n + 1)
    high = upper_confidence(k, n, alpha)
    # a p within 1e-12 of 1 is not a float that could be checked to nine digits
    np.testing.assert_allclose(stats.binom.cdf(k[:-3], n, high[:-3]), alpha, rtol=1e-9)
    assert high[-1] == 1.0
    np.testing.assert_allclose(high[0], -np.expm1(np.log(alpha) / n), rtol=1e-9)


def test_clopper_pearson_agrees_with_scipy():
    for k in (0, 1, 37, 99, 100):
        interval = stats.binomtest(k, 100).proportion_ci(0.98, method="exact")
        assert upper_confidence(k, 100, 0.01) == pytest.approx(interval.high)


@pytest.mark.parametrize("n", [1, 7, 30])
@pytest.mark.parametrize("p", [0.0, 0.01, 0.3, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("alpha", [0.4, 0.05, 1e-6])
def test_critical_counts_by_exact_fractions(n, p, alpha):
    rare = [m for m in range(n + 1) if left_tail(n, Fraction(p), m) <= Fraction(alpha)]
    assert critical_count(n, p, alpha) == max(rare, default=-1)


def test_holm_by_hand_and_never_below_bonferroni():
    p = np.array([[0.01, 0.04], [0.03, 0.005]])  # limits 0.0125, 0.0167, 0.025, 0.05
    np.testing.assert_array_equal(holm(p, 0.05), [[True, False], [False, True]])
    assert holm(np.full(4, 0.0125), 0.05).all()
    assert not holm(np.full(4, 0.0126), 0.05).any()
    p = np.random.default_rng(0).random(500) ** 6
    assert np.all(holm(p, 0.05) >= (p <= 0.05 / 500))
    assert per_image_alpha(0.001, 160) == 6.25e-6


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="alpha must be in"):
        critical_count(10, 0.5, 1.0)
    with pytest.raises(ValueError, match="n must be at least 1"):
        upper_confidence(0, 0, 0.1)
    with pytest.raises(ValueError, match=r"count must be in \[0, n=5\]"):
        upper_confidence([2, 6], 5, 0.1)
    with pytest.raises(ValueError, match="images must be at least 1"):
        per_image_alpha(0.1, 0)


@pytest.mark.parametrize("n", [1, 7, 100, 10_000])
@pytest.mark.parametrize("p", [1e-9, 0.01, 0.5, 0.977, 1.0])
def test_the_binomial_distribution_is_that_of_scipy_in_its_tails_too(n, p):
    k = np.unique(np.linspace(0, n, 50).astype(int))
    np.testing.assert_allclose(
        binomial_cdf(k, n, p), stats.binom.cdf(k, n, p), rtol=1e-9, atol=1e-300
    )
