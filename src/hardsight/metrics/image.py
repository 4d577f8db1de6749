"""Image-level metrics: how well scores (N,) rank anomalous above normal images. All are exact."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardsight.metrics.checks import Floats, scored


def rank_auroc(anomalous: Floats, normal: Floats) -> float:
    """Count the share of (anomalous, normal) pairs ranked rightly, ties half (Mann-Whitney).

    Args:
        anomalous: (P,) finite scores.
        normal: (M,) finite scores, in ascending order.

    Returns:
        The exact AUROC in [0, 1]: the pairs are counted in integers and divided once.
    """
    a = np.sort(anomalous)
    wins = np.searchsorted(normal, a, "left").sum() + np.searchsorted(normal, a, "right").sum()
    return float(wins) / (2.0 * a.size * normal.size)


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the area under the ROC curve by ranks of raw scores; below 0.5 is not flipped.

    Args:
        scores: (N,) any finite range; higher is more anomalous.
        labels: (N,) bool or 0 / 1, true = anomalous.

    Raises:
        ValueError: NaN or infinity, wrong shapes, or a single class.

    Examples:
        >>> auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
        0.75
    """
    s, y = scored(scores, labels)
    return rank_auroc(s[y], np.sort(s[~y]))


def sensitivity_index(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return d' of signal detection: the two means' distance in units of the pooled spread.

    It goes on growing, or falling, where few images rank the same; 0 where nothing varies.
    Arguments and errors are those of ``auroc``.
    """
    s, y = scored(scores, labels)
    spread = np.sqrt((s[y].var() + s[~y].var()) / 2)
    return float((s[y].mean() - s[~y].mean()) / spread) if spread > 0 else 0.0


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the area under precision-recall steps (no interpolation); as ``auroc`` else."""
    _, y, ends, hits = _alarms(scores, labels)
    return float(np.diff(hits, prepend=0) @ (hits / (ends + 1))) / int(y.sum())


def f1_max(scores: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    """Return the best F1 of any threshold and that threshold; an alarm is a score *above* it.

    The threshold is the highest score that raises no alarm, and of equally good thresholds the
    one with the fewest alarms. If every image must alarm, it lies just below the lowest score.
    Chosen on test labels it flatters: report the F1, never deploy the threshold.
    Arguments and errors are those of ``auroc``.
    """
    s, y, ends, hits = _alarms(scores, labels)
    f1 = 2.0 * hits / (ends + 1 + y.sum())
    best = ends[np.argmax(f1)]
    below = s[best + 1] if best + 1 < s.size else np.nextafter(s[best], -np.inf)
    return float(f1.max()), float(below)


def _alarms(
    scores: ArrayLike, labels: ArrayLike
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Return scores (N,), falling, and their labels; of each tied group its end, and the hits."""
    s, y = scored(scores, labels)
    order = np.argsort(-s, kind="stable")
    s, y = s[order], y[order]
    ends = np.append(np.flatnonzero(s[:-1] > s[1:]), s.size - 1)
    return s, y, ends, np.cumsum(y)[ends]


def best_f1(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the F1 of ``f1_max`` without its threshold."""
    return f1_max(scores, labels)[0]


def roc_curve(
    scores: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners (fpr, tpr) of the ROC curve, from (0, 0) to (1, 1); as ``auroc`` else."""
    from sklearn import metrics as sk  # slow to import: not before it is needed

    s, y = scored(scores, labels)
    fpr, tpr, _ = sk.roc_curve(y, s)
    return fpr, tpr
