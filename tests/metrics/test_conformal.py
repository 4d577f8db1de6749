import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from hardsight.metrics.conformal import (
    alarms,
    conformal_threshold,
    expected_false_alarm_rate,
    finite_p_values,
    p_values,
)


def test_the_rank_by_hand():
    assert conformal_threshold(np.arange(1, 100), level=0.01) == 99.0  # k = ceil(100 * 0.99)
    assert conformal_threshold(np.arange(1, 200), level=0.01) == 198.0
    assert conformal_threshold(np.arange(1, 100)[::-1], level=0.29) == 71.0  # floats: 28.9999999
    assert conformal_threshold(np.arange(1, 100), level=0.0199) == 99.0  # one alarm, not two
    assert conformal_threshold(np.arange(1, 200)) == 198.0  # 1 % unless asked otherwise
    assert conformal_threshold([3.0, 1.0, 2.0], level=0.5) == 2.0


@given(st.lists(st.integers(0, 6), min_size=9, max_size=40), st.sampled_from([0.1, 0.15, 0.3]))
@settings(max_examples=60, deadline=None)
def test_an_alarm_is_a_small_p_value_and_leave_one_out_keeps_the_level(scores, level):
    scores = np.array(scores, dtype=float)
    candidates = np.arange(-1.0, 8.0)
    alarm = candidates > conformal_threshold(scores, level)
    np.testing.assert_array_equal(alarm, p_values(candidates, scores) <= level + 1e-9)
    # Exchangeable: of n + 1 scores at most a share `level` lies above the threshold of the rest.
    if scores.size >= 10:
        above = [
            scores[i] > conformal_threshold(np.delete(scores, i), level) for i in range(scores.size)
        ]
        assert np.mean(above) <= level + 1e-12


def test_p_values_by_counting():
    normal = np.array([1.0, 2.0, 2.0, 5.0])
    np.testing.assert_allclose(p_values([0.0, 2.0, 3.0, 9.0], normal), [1.0, 0.8, 0.4, 0.2])


@pytest.mark.parametrize(("n", "level"), [(99, 0.01), (150, 0.05)])
def test_the_true_rate_follows_the_beta_law(n, level):
    rng = np.random.default_rng(7)
    rates = np.array([1 - conformal_threshold(rng.random(n), level) for _ in range(4000)])
    mean, upper = expected_false_alarm_rate(n, level)
    alarms = int((n + 1) * level + 1e-9)
    assert mean == pytest.approx(alarms / (n + 1))
    assert mean <= level
    assert rates.mean() == pytest.approx(mean, rel=0.05)
    assert np.mean(rates <= upper) == pytest.approx(0.95, abs=0.012)
    assert kstest(rates, "beta", args=(alarms, n + 1 - alarms)).pvalue > 0.01


def test_too_few_normals_say_how_many_are_needed():
    with pytest.raises(ValueError, match=r"at least 99 normal images.*at least 0.01639"):
        conformal_threshold(np.zeros(60), level=0.01)
    assert conformal_threshold(np.arange(60.0), level=0.01640) == 59.0
    with pytest.raises(ValueError, match="at least 19 normal"):
        expected_false_alarm_rate(18, 0.05)
    assert expected_false_alarm_rate(19, 0.05)[0] == pytest.approx(0.05)


def test_bad_input_is_named():
    for level in (0.0, 1.0):
        with pytest.raises(ValueError, match=f"rate must be between 0 and 1, got {level:g}; use"):
            conformal_threshold(np.zeros(200), level=level)
    with pytest.raises(ValueError, match="normal_scores must be finite"):
        conformal_threshold([np.nan] * 200)
    with pytest.raises(ValueError, match="normal_scores must have shape"):
        conformal_threshold(np.zeros((200, 2)))
    with pytest.raises(ValueError, match="normal_scores is empty"):
        p_values([1.0], [])


def test_what_is_not_finite_has_no_p_value_and_raises_an_alarm():
    normals, lost = np.arange(9.0), [np.nan, np.inf, -np.inf]
    scores = np.array([3.0, *lost, 8.0])
    assert alarms(scores, 7.0).tolist() == [False, True, True, True, True]
    found = finite_p_values(scores, normals)
    np.testing.assert_array_equal(found[[0, 4]], p_values(scores[[0, 4]], normals))
    assert np.isnan(found[1:4]).all()
    assert np.isnan(finite_p_values(lost, normals)).all()
