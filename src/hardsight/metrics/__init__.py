"""Exact metrics on arrays: image, pixel, certified; bootstrap intervals, conformal thresholds."""

from hardsight.metrics.bootstrap import auroc_interval_over_draws, bootstrap, pixel_auroc_interval
from hardsight.metrics.certified import (
    certified_auroc,
    certified_f1,
    certified_roc,
    certified_tpr_at_fpr,
)
from hardsight.metrics.conformal import conformal_threshold, expected_false_alarm_rate, p_values
from hardsight.metrics.image import auroc, average_precision, f1_max, roc_curve, sensitivity_index
from hardsight.metrics.paired import accuracy_difference, auroc_difference
from hardsight.metrics.pixel import aupro, pixel_auroc, pixel_average_precision

__all__ = [
    "accuracy_difference",
    "aupro",
    "auroc",
    "auroc_difference",
    "auroc_interval_over_draws",
    "average_precision",
    "bootstrap",
    "certified_auroc",
    "certified_f1",
    "certified_roc",
    "certified_tpr_at_fpr",
    "conformal_threshold",
    "expected_false_alarm_rate",
    "f1_max",
    "p_values",
    "pixel_auroc",
    "pixel_auroc_interval",
    "pixel_average_precision",
    "roc_curve",
    "sensitivity_index",
]
