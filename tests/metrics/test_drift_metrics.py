from itertools import pairwise, product

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from hardsight.metrics.drift import BETS, EVEN, JUMP, fewest_parts
from hardsight.metrics.drift import jumper_factors as factors_of
from hardsight.metrics.drift import sequential_p_values as p_of
from hardsight.metrics.drift import shiryaev_roberts as alarms_of


def test_p_values_by_counting():
    past, values = [3.0, 1.0, 2.0], [2.0, 5.0, 2.0, 0.0]
    found = p_of(values, past, np.random.default_rng(5))
    u = np.random.default_rng(5).random(4)
    expected = [(1 + 2 * u[0]) / 4, u[1] / 5, (2 + 3 * u[2]) / 6, (6 + u[3]) / 7]
    np.testing.assert_allclose(found, expected)


def test_p_values_in_parts_are_those_of_the_whole():
    rng = np.random.default_rng(0)
    past, values = rng.integers(0, 9, 20), rng.integers(0, 9, 30)
    whole = p_of(values, past, np.random.default_rng(1))
    generator = np.random.default_rng(1)
    first = p_of(values[:11], past, generator)
    rest = p_of(values[11:], [*past, *values[:11]], generator)
    np.testing.assert_array_equal(whole, [*first, *rest])


@pytest.mark.parametrize("distinct", [2, 5, 10**9])
def test_p_values_of_exchangeable_values_are_uniform_and_independent_with_ties_too(distinct):
    rng = np.random.default_rng(3)
    p = np.array([p_of(v[4:], v[:4], rng) for v in rng.integers(0, distinct, (3000, 8))])
    for i in range(4):
        assert kstest(p[:, i], "uniform").pvalue > 0.001
    correlation = np.corrcoef(p.T) - np.eye(4)
    assert np.abs(correlation).max() < 4 / np.sqrt(len(p))


def test_p_values_against_a_fixed_set_are_not_independent():
    """Why each value joins those that the next are held against."""
    rng = np.random.default_rng(4)
    fixed = np.array([[p_of([v], d[:4], rng)[0] for v in d[4:]] for d in rng.random((2000, 6))])
    assert np.corrcoef(fixed.T)[0, 1] > 0.1


def test_every_betting_function_has_the_integral_one_and_none_is_negative():
    for stakes in (EVEN, np.array([0.9, 0, 0.1, 0, 0]), np.array([0, 0, 0, 0, 1.0])):
        assert quad(lambda p, s=stakes: factors_of([p], s)[0][0], 0, 1)[0] == pytest.approx(1)
        assert min(factors_of([p], stakes)[0][0] for p in (0.0, 0.5, 1.0)) > 0


def test_the_jumper_is_the_mixture_over_all_ways_to_jump():
    """Brute force over every sequence of bets, weighed by its probability."""
    p = np.array([0.1, 0.7, 0.02])
    k, capital = len(BETS), []
    for n in range(1, len(p) + 1):
        total = 0.0
        for path in np.ndindex(*(k,) * n):
            weight = 1 / k
            for a, b in pairwise(path):
                weight *= (1 - JUMP) * (a == b) + JUMP / k
            total += weight * np.prod([1 + BETS[b] * (p[i] - 0.5) for i, b in enumerate(path)])
        capital.append(total)
    np.testing.assert_allclose(np.cumprod(factors_of(p)[0]), capital)


def test_factors_in_parts_are_those_of_the_whole():
    p = np.random.default_rng(0).random(20)
    first, stakes = factors_of(p[:7])
    np.testing.assert_array_equal(factors_of(p)[0], [*first, *factors_of(p[7:], stakes)[0]])


def test_the_statistic_is_the_sum_over_all_places_of_a_change():
    factors = np.random.default_rng(1).random(9) + 0.5
    found, alarms = alarms_of(factors, 1e9)
    expected = [sum(np.prod(factors[j : i + 1]) for j in range(i + 1)) for i in range(9)]
    np.testing.assert_allclose(found, expected)
    assert not alarms.any()


def test_an_alarm_begins_again_at_zero():
    found, alarms = alarms_of([2.0, 2.0, 2.0, 2.0], 5.0)
    np.testing.assert_array_equal(found, [2, 6, 2, 6])
    np.testing.assert_array_equal(alarms, [False, True, False, True])
    assert alarms_of([2.0], 5.0, start=2.0)[1].all()


def test_false_alarms_come_at_most_once_in_limit_parts():
    rng = np.random.default_rng(7)
    runs, parts, limit = 60, 200, 20
    counts = []
    for _ in range(runs):
        values = rng.normal(size=20 + parts).round(1)  # with ties
        p = p_of(values[20:], values[:20], rng)
        counts.append(alarms_of(factors_of(p)[0], limit)[1].sum())
    error = np.std(counts) / np.sqrt(runs)
    assert 0 < np.mean(counts) <= parts / limit + 2 * error


@pytest.mark.parametrize("shift", [-2.0, 2.0])
def test_a_shift_to_either_side_raises_an_alarm_soon(shift):
    rng = np.random.default_rng(2)
    before, after = rng.normal(size=300), rng.normal(shift, size=60)
    p = p_of([*before[50:], *after], before[:50], rng)
    alarms = np.flatnonzero(alarms_of(factors_of(p)[0], 10_000)[1])
    assert alarms.size
    assert 250 < alarms[0] < 290


@pytest.mark.parametrize("limit", [1.5, 6.0, 30.0])
def test_no_p_values_raise_an_alarm_sooner_than_the_fewest_parts(limit):
    """The statistic is affine in each p-value: it is highest where all are 0 or 1."""
    fewest = fewest_parts(limit)
    for n in range(1, fewest + 1):
        corners = product([0.0, 1.0], repeat=n)
        raised = any(alarms_of(factors_of(p)[0], limit)[1].any() for p in corners)
        assert raised == (n == fewest)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="limit must be above 1, got 1"):
        alarms_of([1.0], 1)
    with pytest.raises(ValueError, match="values must be finite"):
        p_of([np.nan], [], np.random.default_rng())
    with pytest.raises(ValueError, match=r"past must have shape \(N,\)"):
        p_of([], [[1.0]], np.random.default_rng())
