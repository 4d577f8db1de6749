"""Published figures, to stand beside the measured ones."""

from hardsight.evaluation.published.certificates import published_certified
from hardsight.evaluation.published.classifiers import (
    published_accuracy,
    published_over_threats,
)
from hardsight.evaluation.published.detectors import published_auroc, published_average
from hardsight.evaluation.published.figure import Published, first
from hardsight.evaluation.published.tables import Table, all_figures, known_of, tables

__all__ = [
    "Published",
    "Table",
    "all_figures",
    "first",
    "known_of",
    "published_accuracy",
    "published_auroc",
    "published_average",
    "published_certified",
    "published_over_threats",
    "tables",
]
