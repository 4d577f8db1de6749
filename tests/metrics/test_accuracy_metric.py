import math

import numpy as np
import pytest
from scipy.stats import beta

from hardsight.metrics import accuracy, accuracy_interval, accuracy_over_draws


def test_the_interval_is_clopper_and_pearsons():
    classes = np.zeros(40, np.int64)
    predicted = np.arange(40) >= 31
    expected = beta.ppf(0.025, 31, 10), beta.ppf(0.975, 32, 9)
    assert accuracy(predicted, classes) == 31 / 40
    assert accuracy_interval(predicted, classes) == pytest.approx((31 / 40, *expected))


def test_all_right_and_all_wrong_have_one_sided_intervals():
    classes = np.arange(5)
    assert accuracy_interval(classes, classes)[2] == 1
    assert accuracy_interval(classes + 1, classes)[:2] == (0, 0)


def test_one_draw_varies_as_a_binomial_does():
    wrong = np.random.default_rng(0).random((400, 10)) >= 0.8
    value, low, high = accuracy_over_draws(wrong, np.zeros(400, np.int64))
    assert value == pytest.approx(1 - wrong.mean())
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.16 / 400), rel=0.3)


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((2, 2, 2), (2,)), ((0,), (0,))])
def test_shapes_that_do_not_fit_are_refused(shapes):
    predicted, classes = map(np.zeros, shapes)
    with pytest.raises(ValueError, match="predicted must have shape"):
        accuracy(predicted, classes)


def test_logits_are_no_classes():
    """As many columns of them as of draws would all be wrong."""
    logits = np.array([[0.1, 2.5, -1.0], [3.5, 0.0, 1.0]])
    with pytest.raises(ValueError, match=r"got 0\.1, which is no whole number; take the argmax"):
        accuracy(logits, [1, 0])
    assert accuracy(logits.argmax(1).astype(np.float32), [1, 0]) == 1


def test_draws_need_columns():
    with pytest.raises(ValueError, match="must have shape"):
        accuracy_over_draws(np.zeros(3), np.zeros(3))


def test_draws_of_an_image_are_no_trials_of_their_own():
    """Ten draws of four images would else have the interval of forty images."""
    with pytest.raises(ValueError, match=r"\(N,\), got \(4, 10\); of several draws"):
        accuracy_interval(np.ones((4, 10)), np.ones(4))


@pytest.mark.parametrize("wrong", [{"resamples": 0}, {"level": 95.0}])
def test_resampling_is_checked_as_that_of_scores(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        accuracy_over_draws(np.zeros((3, 2)), np.zeros(3), **wrong)
