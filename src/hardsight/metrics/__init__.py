"""Exact metrics on arrays: image, pixel, certified; bootstrap intervals, conformal thresholds."""

from hardsight.metrics.accuracy import accuracy, accuracy_interval, accuracy_over_draws
from hardsight.metrics.bootstrap import bootstrap, bootstrap_over_draws, pixel_auroc_interval
from hardsight.metrics.catalogue import METRICS, metrics_of
from hardsight.metrics.certified import (
    certified_auroc,
    certified_f1,
    certified_roc,
    certified_tpr_at_fpr,
)
from hardsight.metrics.conformal import (
    alarms,
    check_rate,
    conformal_threshold,
    expected_false_alarm_rate,
    finite_p_values,
    p_values,
)
from hardsight.metrics.image import (
    auroc,
    average_precision,
    best_f1,
    f1_max,
    roc_curve,
    sensitivity_index,
)
from hardsight.metrics.metric import Metric
from hardsight.metrics.paired import accuracy_difference, auroc_difference
from hardsight.metrics.pixel import aupro, pixel_auroc, pixel_average_precision

__all__ = [
    "METRICS",
    "Metric",
    "accuracy",
    "accuracy_difference",
    "accuracy_interval",
    "accuracy_over_draws",
    "alarms",
    "aupro",
    "auroc",
    "auroc_difference",
    "average_precision",
    "best_f1",
    "bootstrap",
    "bootstrap_over_draws",
    "certified_auroc",
    "certified_f1",
    "certified_roc",
    "certified_tpr_at_fpr",
    "check_rate",
    "conformal_threshold",
    "expected_false_alarm_rate",
    "f1_max",
    "finite_p_values",
    "metrics_of",
    "p_values",
    "pixel_auroc",
    "pixel_auroc_interval",
    "pixel_average_precision",
    "roc_curve",
    "sensitivity_index",
]
