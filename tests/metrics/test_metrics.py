import numpy as np
import pytest
from balanced_accuracy import BALANCED_ACCURACY, balanced_accuracy
from sklearn import metrics as sk

from hardsight.metrics import METRICS, metrics_of
from hardsight.metrics.metric import exactly


def examples(metric, seed=0):
    """Values and truth that the metric's target fits."""
    rng = np.random.default_rng(seed)
    if metric.target == "pixel":
        masks = np.zeros((4, 6, 7), np.bool_)
        masks[:2, 1:4, 2:5] = True
        return rng.normal(size=masks.shape) + masks, masks
    if metric.target == "class":
        return rng.integers(3, size=40), rng.integers(3, size=40)
    labels = np.arange(40) < 15
    return rng.normal(size=40) + labels, labels


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_an_interval_holds_the_figure(metric):
    values, truth = examples(metric)
    value, low, high = metric.interval(values, truth)
    assert value == metric.function(values, truth)
    assert 0 <= low <= value <= high <= 1


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if m.over_draws])
def test_of_equal_draws_a_single_one_is_worth_their_figure(name):
    metric = METRICS[name]
    values, truth = examples(metric)
    value, low, high = metric.over_draws(np.stack([values] * 3, axis=1), truth)
    assert value == pytest.approx(metric.function(values, truth))
    assert low <= value <= high


def test_the_main_figure_of_each_target_comes_first():
    assert next(metrics_of("image")).name == next(metrics_of("pixel")).name == "AUROC"
    assert [m.name for m in metrics_of("image")] == ["AUROC", "AP", "F1-max"]
    assert [m.name for m in metrics_of("image", attacked=True)] == ["AUROC"]
    assert [m.name for m in metrics_of("pixel", attacked=True)] == ["AUROC", "AUPRO"]
    assert [m.name for m in metrics_of("class", attacked=True)] == ["accuracy"]


def test_a_metric_is_added_by_one_line(monkeypatch):
    monkeypatch.setitem(METRICS, "balanced-accuracy", BALANCED_ACCURACY)
    assert BALANCED_ACCURACY in metrics_of("image")
    assert BALANCED_ACCURACY not in metrics_of("image", attacked=True)
    scores, labels = examples(BALANCED_ACCURACY)
    value, low, high = BALANCED_ACCURACY.interval(scores, labels)
    assert value == sk.balanced_accuracy_score(labels, scores > 0.5)
    assert low <= value <= high


def test_a_metric_without_an_interval_gives_its_figure_thrice():
    assert exactly(balanced_accuracy)([0.9, 0.1], [True, False]) == (1, 1, 1)
