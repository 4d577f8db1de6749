"""Accuracy: the share of images whose class is predicted correctly, and its intervals."""

import numpy as np
from numpy.typing import ArrayLike

from hardsight.metrics.bootstrap import check_resampling, percentiles
from hardsight.metrics.checks import Bools, as_array


def correct(predicted: ArrayLike, classes: ArrayLike) -> Bools:
    """Return (N,) or (N, D) whether each prediction is the true class.

    Args:
        predicted: (N,) or (N, D) classes; column d is one noise draw for every image.
        classes: (N,) true classes.

    Raises:
        ValueError: no image, shapes that do not fit, or predictions that are no whole numbers.
    """
    p, y = as_array(predicted), as_array(classes)
    if y.ndim != 1 or y.size == 0 or p.ndim not in (1, 2) or p.shape[0] != y.size:
        raise ValueError(
            f"predicted must have shape (N,) or (N, D) and classes (N,), got {p.shape} and "
            f"{y.shape}; take the argmax of logits first"
        )
    if p.dtype.kind == "f" and not (p == np.floor(p)).all():
        odd = p[p != np.floor(p)][0]
        raise ValueError(
            f"predicted must hold classes, got {odd}, which is no whole number; take the argmax of "
            "logits first"
        )
    return np.asarray(p == y.reshape(-1, *[1] * (p.ndim - 1)), dtype=np.bool_)


def accuracy(predicted: ArrayLike, classes: ArrayLike) -> float:
    """Return the share of correct predictions (N,), in [0, 1]; as ``correct`` else."""
    return float(correct(predicted, classes).mean())


def accuracy_interval(
    predicted: ArrayLike, classes: ArrayLike, level: float = 0.95
) -> tuple[float, float, float]:
    """Return (value, low, high): the accuracy and its exact interval (Clopper & Pearson, 1934).

    Args:
        predicted: (N,) classes: several draws of an image are no trials of their own.
        classes: (N,) true classes.
        level: coverage of the interval, in (0, 1).

    Raises:
        ValueError: as ``correct``, or predictions of several draws.
    """
    from scipy import stats  # slow to import: not before it is needed

    right = correct(predicted, classes)
    if right.ndim != 1:
        raise ValueError(
            f"predicted must have shape (N,), got {right.shape}; of several draws "
            "accuracy_over_draws tells the interval"
        )
    found = stats.binomtest(int(right.sum()), right.size).proportion_ci(level, "exact")
    return float(right.mean()), float(found.low), float(found.high)


def accuracy_over_draws(
    predicted: ArrayLike,
    classes: ArrayLike,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return (value, low, high) of the accuracy of a *single* noise draw.

    The value is the mean over the D draws; each resample takes images with replacement, and one
    draw for all of them.

    Args:
        predicted: (N, D) classes; column d is one noise draw for every image.
        classes: (N,) true classes.
        resamples: number of bootstrap samples.
        level: coverage of the interval, in (0, 1).
        seed: same seed, same interval.

    Raises:
        ValueError: as ``correct``, predictions that are not (N, D), or a parameter out of range.
    """
    check_resampling(resamples, level)
    right = correct(predicted, classes)
    if right.ndim != 2:
        raise ValueError(f"predicted must have shape (N, D), got {right.shape}; add [:, None]")
    n, d = right.shape
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(n, size=(resamples, n)), rng.integers(d, size=resamples)
    low, high = percentiles(right[rows, columns[:, None]].mean(1), level)
    value = float(right.mean())
    return value, min(low, value), max(high, value)
