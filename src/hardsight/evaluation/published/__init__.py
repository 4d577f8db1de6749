"""Published figures, to stand beside the measured ones."""

from hardsight.evaluation.published.certificates import published_certified
from hardsight.evaluation.published.classifiers import Published, known_of, published_accuracy
from hardsight.evaluation.published.detectors import published_auroc

__all__ = ["Published", "known_of", "published_accuracy", "published_auroc", "published_certified"]
