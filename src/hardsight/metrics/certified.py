"""Certified metrics: what is left if every image moves against the detector as far as it may.

Anomalous images count by the lower bound of their smoothed score, normal ones by the upper bound;
-inf and +inf say that nothing is known. All are exact worst cases over the bounds.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardsight.core.rounding import floor
from hardsight.metrics.checks import as_array

Floats = NDArray[np.float64]


def _bounds(lower_of_anomalous: ArrayLike, upper_of_normal: ArrayLike) -> tuple[Floats, Floats]:
    """Return both as float64 vectors, each ascending.

    Raises:
        ValueError: empty, not (N,), NaN, or infinite to the wrong side.
    """
    found = []
    for values, name, wrong in (
        (lower_of_anomalous, "lower_of_anomalous", np.inf),
        (upper_of_normal, "upper_of_normal", -np.inf),
    ):
        array = as_array(values).astype(np.float64, copy=False)
        if array.ndim != 1 or array.size == 0:
            raise ValueError(
                f"{name} must have shape (N,) with N >= 1, got {array.shape}; "
                "certify one radius at a time"
            )
        if np.isnan(array).any() or (array == wrong).any():
            raise ValueError(
                f"{name} must hold bounds that are finite or {-wrong}, got "
                f"{array[np.isnan(array) | (array == wrong)][0]}; are lower and upper exchanged?"
            )
        found.append(np.sort(array))
    return found[0], found[1]


def _above(values: Floats, threshold: ArrayLike) -> NDArray[np.int64]:
    """Count how many of ascending ``values`` lie strictly above each threshold."""
    return np.asarray(values.size - np.searchsorted(values, threshold, "right"), dtype=np.int64)


def certified_auroc(lower_of_anomalous: ArrayLike, upper_of_normal: ArrayLike) -> float:
    """Return the share of (anomalous, normal) pairs that no perturbation brings out of order.

    Ties count nothing. No attack within the radius brings the smoothed detector's AUROC below it,
    as long as all bounds hold.

    Args:
        lower_of_anomalous: (P,) lower bounds at one radius.
        upper_of_normal: (M,) upper bounds at the same radius.

    Returns:
        In [0, 1], counted in integers and divided once.

    Raises:
        ValueError: an empty or misshapen argument, NaN, or bounds infinite to the wrong side.
    """
    low, high = _bounds(lower_of_anomalous, upper_of_normal)
    return float(_above(low, high).sum()) / (low.size * high.size)


def certified_roc(
    lower_of_anomalous: ArrayLike, upper_of_normal: ArrayLike
) -> tuple[Floats, Floats]:
    """FreeRAD, section 5.5: certified (fpr, tpr) threshold by threshold, from (0, 0).

    At threshold h the certified TPR is the share of anomalous images that are certainly above it,
    the certified FPR the share of normal images that are not certainly at or below. The curve need
    not reach (1, 1). Its area by lower steps, ``sum(diff(fpr) * tpr[:-1])``, is
    ``certified_auroc``; trapezoids would count ties half.
    """
    low, high = _bounds(lower_of_anomalous, upper_of_normal)
    h = np.unique(np.concatenate((low, high)))[::-1]
    h = np.append(np.inf, h[np.isfinite(h)])
    h = np.append(h, -np.inf)  # below every finite bound: what is certain of nothing is left out
    return _above(high, h) / high.size, _above(low, h) / low.size


def certified_tpr_at_fpr(
    lower_of_anomalous: ArrayLike, upper_of_normal: ArrayLike, fpr: float
) -> float:
    """Return the certified TPR at the lowest threshold whose certified FPR is at most ``fpr``.

    Args:
        lower_of_anomalous: (P,) lower bounds.
        upper_of_normal: (M,) upper bounds.
        fpr: in [0, 1].

    Raises:
        ValueError: as ``certified_auroc``, or an fpr outside [0, 1].
    """
    if not 0.0 <= fpr <= 1.0:
        raise ValueError(f"fpr must be in [0, 1], got {fpr}; use 0.05 for 5 % false alarms")
    low, high = _bounds(lower_of_anomalous, upper_of_normal)
    alarms = floor(fpr * high.size)
    threshold = high[high.size - alarms - 1] if alarms < high.size else -np.inf
    return int(_above(low, threshold)) / low.size


def certified_f1(
    lower_of_anomalous: ArrayLike, upper_of_normal: ArrayLike, threshold: float
) -> float:
    """Return the lowest F1 that any perturbation can leave at a threshold fixed beforehand.

    Args:
        lower_of_anomalous: (P,) lower bounds; certainly found if strictly above the threshold.
        upper_of_normal: (M,) upper bounds; a false alarm unless at or below it.
        threshold: finite, such as ``Calibration.threshold``.

    Raises:
        ValueError: as ``certified_auroc``, or a threshold that is not finite.
    """
    if not math.isfinite(threshold):
        raise ValueError(f"threshold must be finite, got {threshold}; calibrate the detector")
    low, high = _bounds(lower_of_anomalous, upper_of_normal)
    found, false_alarms = int(_above(low, threshold)), int(_above(high, threshold))
    return 2.0 * found / (low.size + found + false_alarms)
