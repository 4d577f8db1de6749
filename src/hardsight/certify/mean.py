"""The paper's prediction by the mean: for comparison, and not a certificate."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from hardsight.certify.confidence import Floats
from hardsight.certify.percentile import percentile_bounds

NOT_A_CERTIFICATE = (
    "not a certificate: Theorem 5.1 of FreeRAD is stated for the mean of the smoothed score, but "
    "what it counts bounds the median"
)
"""What must stand beside every number that comes of ``mean_bounds``."""


def mean_bounds(
    scores: ArrayLike, radius: ArrayLike, sigma: float, alpha: float
) -> tuple[Floats, Floats]:
    """FreeRAD, Theorem 5.1 and section 5.5, as printed. NOT A CERTIFICATE of the mean.

    The paper predicts at each threshold h by the mean score, and calls the prediction certified
    within ``sigma Phi^-1(p)``, p the confidence bound of P[score > h] (or < h). Over all h at once:
    an image counts as anomalous for h below min(mean, lower bound of the median), as normal for h
    from max(mean, upper bound) on. These two are returned. They bound the smoothed *median* (more
    loosely than ``percentile_bounds``), never the mean: a score just above h with probability 0.6
    and far below it else satisfies the theorem's premise and refutes its conclusion.

    Args, shapes and errors are those of ``percentile_bounds``.
    """
    lower, upper = percentile_bounds(scores, radius, sigma, alpha)
    mean = np.asarray(scores, dtype=np.float64).mean(axis=0)
    return np.minimum(lower, mean), np.maximum(upper, mean)


STATISTICS: dict[str, Callable[[ArrayLike, ArrayLike, float, float], tuple[Floats, Floats]]] = {
    "median": percentile_bounds,
    "mean": mean_bounds,
}
"""Statistic -> its bounds; only those of the median are a certificate."""
