import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn import metrics as sk

from hardsight.metrics.image import auroc, average_precision, f1_max, roc_curve, sensitivity_index

pairs = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def by_hand(scores, labels):
    total = [(a > b) + 0.5 * (a == b) for a in scores[labels] for b in scores[~labels]]
    return sum(total) / len(total)


@given(pairs)
@settings(max_examples=60, deadline=None)
def test_against_every_pair_and_every_threshold(rows):
    scores = np.array([s for s, _ in rows], dtype=float)
    labels = np.array([y for _, y in rows])
    assert auroc(scores, labels) == pytest.approx(by_hand(scores, labels), abs=1e-15)
    of_sklearn = sk.average_precision_score(labels, scores)
    assert average_precision(scores, labels) == pytest.approx(of_sklearn, rel=1e-12)
    f1, threshold = f1_max(scores, labels)
    candidates = [*scores, scores.min() - 1]
    best = max(sk.f1_score(labels, scores > t, zero_division=0) for t in candidates)
    assert f1 == pytest.approx(best)
    assert sk.f1_score(labels, scores > threshold) == pytest.approx(f1)
    assert threshold in scores or (scores > threshold).all()
    fpr, tpr = roc_curve(scores, labels)
    assert sk.auc(fpr, tpr) == pytest.approx(auroc(scores, labels))


def test_the_sensitivity_index_of_two_gaussians_gives_their_auroc():
    """Of equal spread, AUROC = Phi(d' / sqrt 2)."""
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(0, 2, 20_000), rng.normal(3, 2, 20_000)])
    labels = np.arange(40_000) >= 20_000
    d = sensitivity_index(scores, labels)
    assert d == pytest.approx(1.5, abs=0.02)
    assert auroc(scores, labels) == pytest.approx(norm.cdf(d / 2**0.5), abs=0.005)
    assert sensitivity_index(-scores, labels) == pytest.approx(-d)
    assert sensitivity_index(scores + 7, labels) == pytest.approx(d)
    assert sensitivity_index([1.0, 1.0, 1.0], [True, False, False]) == 0.0


def test_raw_scores_far_from_zero_keep_their_order():
    # A hidden sigmoid turns this 0.917 into 0.52.
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(20, 2, 4000), rng.normal(24, 2, 4000)])
    labels = np.arange(8000) >= 4000
    for s in (scores, scores * 1e6, scores.astype(np.float32)):
        assert auroc(s, labels) == pytest.approx(sk.roc_auc_score(labels, s), abs=1e-12)
    assert auroc(scores, labels) == pytest.approx(0.92, abs=0.01)


def test_it_is_not_flipped_below_one_half():
    assert auroc([3.0, 2.0, 1.0, 0.0], [0, 0, 1, 1]) == 0.0
    assert f1_max([3.0, 2.0, 1.0, 0.0], [0, 0, 1, 1])[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.0, np.nan], [0, 1], r"scores must be finite.*index \(1,\)"),
        ([np.inf, 1.0], [0, 1], "scores must be finite"),
        ([1.0, 2.0], [0, 1, 1], r"\(2,\) and \(3,\)"),
        ([[1.0], [2.0]], [[0], [1]], r"scores.mean"),
        ([1.0, 2.0], [1, 1], "no normal image"),
        ([1.0, 2.0], [False, False], "no anomalous image"),
        ([1.0, 2.0], [0, 255], "labels > 0"),
        ([], [], "scores is empty"),
    ],
)
@pytest.mark.parametrize("metric", [auroc, average_precision, f1_max, roc_curve])
def test_bad_input_is_named(metric, scores, labels, message):
    with pytest.raises(ValueError, match=message):
        metric(scores, labels)
