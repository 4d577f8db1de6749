"""The metrics by name."""

from collections.abc import Iterator
from functools import partial

from hardsight.metrics.accuracy import accuracy, accuracy_interval, accuracy_over_draws
from hardsight.metrics.bootstrap import bootstrap, bootstrap_over_draws, pixel_auroc_interval
from hardsight.metrics.image import auroc, average_precision, best_f1
from hardsight.metrics.metric import Interval, Metric, Target, Values, exactly
from hardsight.metrics.pixel import aupro, pixel_auroc


def _ranking(function: Values) -> tuple[Interval, Interval]:
    """Return the bootstrap intervals of a metric of scores: of one column, and over draws."""
    return partial(bootstrap, function), partial(bootstrap_over_draws, function)


METRICS: dict[str, Metric] = {
    "auroc": Metric("AUROC", "image", auroc, *_ranking(auroc), attacked=True),
    "average-precision": Metric("AP", "image", average_precision, *_ranking(average_precision)),
    "f1-max": Metric("F1-max", "image", best_f1, *_ranking(best_f1)),
    "pixel-auroc": Metric("AUROC", "pixel", pixel_auroc, pixel_auroc_interval, attacked=True),
    "aupro": Metric("AUPRO", "pixel", aupro, exactly(aupro), attacked=True),
    "accuracy": Metric(
        "accuracy", "class", accuracy, accuracy_interval, accuracy_over_draws, attacked=True
    ),
}
"""Name -> metric, in the order of the tables: of each target the first is the main figure."""


def metrics_of(target: Target, attacked: bool = False) -> Iterator[Metric]:
    """Yield the metrics of a target, the main one first; with ``attacked``, of attacked images.

    Examples:
        >>> [metric.name for metric in metrics_of("image")]
        ['AUROC', 'AP', 'F1-max']
    """
    return (m for m in METRICS.values() if m.target == target and (m.attacked or not attacked))
