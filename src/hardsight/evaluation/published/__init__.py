"""Published figures, to stand beside the measured ones."""

from hardsight.evaluation.published.certificates import published_certified
from hardsight.evaluation.published.classifiers import known_of, published_accuracy
from hardsight.evaluation.published.detectors import published_auroc, published_average
from hardsight.evaluation.published.figure import Published

__all__ = [
    "Published",
    "known_of",
    "published_accuracy",
    "published_auroc",
    "published_average",
    "published_certified",
]
