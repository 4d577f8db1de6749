"""The checks that every metric makes of its arguments."""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


@runtime_checkable
class Detachable(Protocol):
    """What a tensor is told from other arrays by, without importing torch."""

    def detach(self) -> "Tensor":
        """Return the values outside of the graph that they came of."""


def as_array(values: ArrayLike) -> NDArray[Any]:
    """Return an array of anything like it, a tensor included: on any device, of any precision."""
    if isinstance(values, Detachable):
        x = values.detach().cpu()
        half = x.dtype.is_floating_point and x.dtype.itemsize < 4
        return np.asarray((x.float() if half else x).numpy())
    return np.asarray(values)


def finite(values: ArrayLike, name: str) -> Floats:
    """Return ``values`` as float32 or float64 (as given, else float64); no NaN, no infinity.

    Raises:
        ValueError: empty, or not finite; the message says how many and where the first one is.
    """
    array = as_array(values)
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


def vector(values: ArrayLike, name: str, empty: bool = False) -> Floats:
    """Return ``finite`` values (N,).

    Raises:
        ValueError: as ``finite``, or another shape; none at all only where not ``empty``.
    """
    array = as_array(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must have shape (N,), got {array.shape}")
    return array.astype(np.float64) if empty and not array.size else finite(array, name)


def binary(values: ArrayLike, name: str) -> Bools:
    """Return ``values`` as bool; true = anomalous.

    Raises:
        ValueError: holds anything but true / false or 1 / 0.
    """
    array = as_array(values)
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
