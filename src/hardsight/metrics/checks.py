"""The checks that every metric makes of its arguments."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


def finite(values: ArrayLike, name: str) -> Floats:
    """Return ``values`` as float32 or float64 (as given, else float64); no NaN, no infinity.

    Raises:
        ValueError: empty, or not finite; the message says how many and where the first one is.
    """
    array = np.asarray(values)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}); give at least one value")
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} must be finite, got {int(bad.sum())} NaN or infinite value(s), the first "
            f"({array[first]}) at index {first}; look at the images behind them before measuring"
        )
    return array


def binary(values: ArrayLike, name: str) -> Bools:
    """Return ``values`` as bool; true = anomalous.

    Raises:
        ValueError: holds anything but true / false or 1 / 0.
    """
    array = np.asarray(values)
    if array.dtype != np.bool_:
        odd = array[(array != 0) & (array != 1)]
        if odd.size:
            raise ValueError(
                f"{name} must hold booleans or 0 and 1, got {odd.flat[0]!r}; "
                f"compare first, e.g. {name} > 0"
            )
    return array.astype(np.bool_)


def scored(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, Bools]:
    """Return scores (N,) and labels (N,) once they are fit to be ranked against each other.

    Raises:
        ValueError: wrong shapes, values that are not finite, or a single class.
    """
    s, y = finite(scores, "scores"), binary(labels, "labels")
    if s.ndim != 1 or s.shape != y.shape:
        raise ValueError(
            f"scores and labels must both have shape (N,), got {s.shape} and {y.shape}; "
            "average the noise draws with scores.mean(axis=1) if there are several"
        )
    for present, missing in ((y.any(), "anomalous"), ((~y).any(), "normal")):
        if not present:
            raise ValueError(
                f"labels holds no {missing} image among {y.size}: a ranking needs both classes; "
                f"add {missing} images to the test set"
            )
    return s, y
