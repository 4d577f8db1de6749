import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hardsight.metrics import (
    auroc,
    certified_auroc,
    certified_f1,
    certified_roc,
    certified_tpr_at_fpr,
)

lowers = st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 1.0, 2.0]), min_size=1, max_size=12)
uppers = st.lists(st.sampled_from([np.inf, -1.0, 0.0, 1.0, 2.0]), min_size=1, max_size=12)


@given(lowers, uppers)
@settings(max_examples=100, deadline=None)
def test_the_sweep_over_thresholds_is_the_closed_form(low, high):
    pairs = [a > b for a in low for b in high]
    assert certified_auroc(low, high) == sum(pairs) / len(pairs)
    fpr, tpr = certified_roc(low, high)
    assert np.sum(np.diff(fpr) * tpr[:-1]) == pytest.approx(certified_auroc(low, high))
    assert (fpr[0], tpr[0]) == (0, 0)
    assert np.all(np.diff(fpr) >= 0)
    assert np.all(np.diff(tpr) >= 0)
    assert fpr[-1] == 1
    assert tpr[-1] == np.mean(np.isfinite(low))


@given(lowers, uppers, st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))
@settings(max_examples=100, deadline=None)
def test_tpr_at_fpr_by_trying_every_threshold(low, high, rate):
    low, high = np.array(low), np.array(high)
    best = max(
        np.mean(low > t)
        for t in (-np.inf, *low, *high, np.inf)
        if np.mean(high > t) <= rate + 1e-12
    )
    assert certified_tpr_at_fpr(low, high, rate) == best


def test_a_share_of_false_alarms_counts_whole_images():
    high = np.arange(100.0)
    assert certified_tpr_at_fpr([70.5, 69.5], high, 0.29) == 0.5  # floats: 28.9999999 images
    assert certified_tpr_at_fpr([98.5, 97.5], high, 0.0199) == 0.5


def test_no_perturbation_within_the_bounds_does_worse():
    rng = np.random.default_rng(0)
    low, high = rng.normal(1, 1, 30), rng.normal(0, 1, 40)
    labels = np.arange(70) < 30
    worst = np.concatenate((low, high))
    assert auroc(worst, labels) == certified_auroc(low, high)
    assert sk.f1_score(labels, worst > 0.4) == pytest.approx(certified_f1(low, high, 0.4))
    for _ in range(50):
        attacked = worst + rng.exponential(0.5, 70) * np.where(labels, 1, -1)
        assert auroc(attacked, labels) >= certified_auroc(low, high)
        assert sk.f1_score(labels, attacked > 0.4) >= certified_f1(low, high, 0.4)


def test_ties_and_unbounded_scores_count_nothing():
    assert certified_auroc([1.0, -np.inf], [1.0, 0.0, np.inf]) == 1 / 6
    assert certified_auroc([-np.inf] * 3, [np.inf] * 2) == 0.0
    assert certified_f1([-np.inf], [np.inf], 0.0) == 0.0
    assert certified_f1([1.0], [0.0], 0.0) == 1.0  # an alarm is strictly above


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        ([np.nan], [0.0], "lower_of_anomalous must hold"),
        ([np.inf], [0.0], r"finite or -inf, got inf; .* exchanged\?"),
        ([0.0], [-np.inf], "upper_of_normal must hold bounds that are finite or inf, got -inf"),
        ([], [0.0], "lower_of_anomalous must have shape"),
        ([0.0], [[0.0]], "one radius at a time"),
    ],
)
def test_bad_input_is_named(low, high, message):
    for metric in (certified_auroc, certified_roc):
        with pytest.raises(ValueError, match=message):
            metric(low, high)
    with pytest.raises(ValueError, match=message):
        certified_tpr_at_fpr(low, high, 0.1)
    with pytest.raises(ValueError, match=message):
        certified_f1(low, high, 0.1)


def test_bad_parameters_are_named():
    for fpr in (-0.01, 1.01):
        with pytest.raises(ValueError, match="fpr must be"):
            certified_tpr_at_fpr([1.0], [0.0], fpr)
    with pytest.raises(ValueError, match="threshold must be finite"):
        certified_f1([1.0], [0.0], np.nan)
