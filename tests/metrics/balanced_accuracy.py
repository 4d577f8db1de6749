"""A metric in one file: balanced accuracy of image scores at a threshold of 0.5."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import balanced_accuracy_score

from hardsight.metrics import Metric, bootstrap


def balanced_accuracy(scores: ArrayLike, labels: ArrayLike) -> float:
    """Average the shares of both kinds that are labelled rightly."""
    return float(balanced_accuracy_score(labels, np.asarray(scores) > 0.5))


def interval(scores: ArrayLike, labels: ArrayLike) -> tuple[float, float, float]:
    """Return the figure with its 95 % bootstrap interval."""
    return bootstrap(balanced_accuracy, scores, labels)


BALANCED_ACCURACY = Metric("balanced accuracy", "image", balanced_accuracy, interval)
