"""Exact binomial confidence, in float64: what every certificate here rests on."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def check_alpha(alpha: float) -> float:
    """Return ``alpha`` if it is a probability of failure.

    Raises:
        ValueError: not inside (0, 1).
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(
            f"alpha must be in (0, 1), got {alpha}; it is the probability of a false statement, "
            "0.001 is usual"
        )
    return alpha


def check_samples(n: int, name: str = "n") -> int:
    """Return ``n`` if it is a number of samples.

    Raises:
        ValueError: below 1, or no whole number.
    """
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"{name} must be at least 1 and whole, got {n!r}; 1000 is usual")
    return n


def _counts(count: ArrayLike, n: int) -> Ints:
    k = np.asarray(count, dtype=np.int64)
    check_samples(n)
    if k.size and not (k.min() >= 0 and k.max() <= n):
        raise ValueError(f"count must be in [0, n={n}], got values in [{k.min()}, {k.max()}]")
    return k


def upper_confidence(count: ArrayLike, n: int, alpha: float) -> Floats:
    """Clopper & Pearson (1934), one-sided: the p with P(Bin(n, p) <= count) = alpha, 1 at count n.

    A true probability lies below it with confidence at least 1 - alpha. Accurate where the answer
    is tiny: never computed as one minus a lower bound.
    """
    k, alpha = _counts(count, n), check_alpha(alpha)
    p = special.betainccinv(k + 1, np.maximum(n - k, 1), alpha)
    return np.asarray(np.where(k == n, 1.0, p), dtype=np.float64)


def binomial_cdf(count: ArrayLike, n: int, p: ArrayLike) -> Floats:
    """Return P(Bin(n, p) <= count), accurate where it is tiny.

    Shape:
        count, in [0, n], and p: any that broadcast -> what they broadcast to.
    """
    k = np.asarray(count)
    below = special.betaincc(k + 1, np.maximum(n - k, 1), p)
    return np.asarray(np.where(k >= n, 1.0, below), dtype=np.float64)


def critical_count(n: int, p: ArrayLike, alpha: float) -> Ints:
    """Return the largest m with P(Bin(n, p) <= m) <= alpha, -1 where not even m = 0 is so rare.

    A sample of n with at most m successes refutes "a success has probability p or more" at level
    alpha. Found by bisection on the exact left tail.

    Shape:
        p: any -> the same.
    """
    check_samples(n)
    p, alpha = np.asarray(p, dtype=np.float64), check_alpha(alpha)
    low, high = np.full(p.shape, -1), np.full(p.shape, n)
    while bool((high - low > 1).any()):
        middle = (low + high) // 2
        rare = binomial_cdf(middle, n, p) <= alpha
        low, high = np.where(rare, middle, low), np.where(rare, high, middle)
    return low.astype(np.int64)


def per_image_alpha(alpha: float, images: int) -> float:
    """Bonferroni: the alpha of each image for one statement about all of them to hold jointly.

    Where both bounds of an image are used, count it twice.

    Raises:
        ValueError: alpha outside (0, 1), or no image.
    """
    if images < 1:
        raise ValueError(f"images must be at least 1, got {images}")
    return check_alpha(alpha) / images


def holm(p_values: ArrayLike, alpha: float) -> Bools:
    """Holm (1979), step-down: which hypotheses are refuted, with one false refutation or more
    having probability at most alpha, however the p-values depend on each other.

    Shape:
        p_values: any -> the same, bool.
    """
    p = np.asarray(p_values, dtype=np.float64)
    flat, check = p.ravel(), check_alpha(alpha)
    order = np.argsort(flat, kind="stable")
    kept = flat[order] <= check / np.arange(flat.size, 0, -1)
    refuted = np.zeros(flat.size, dtype=np.bool_)
    refuted[order[: flat.size if kept.all() else int(np.argmin(kept))]] = True
    return refuted.reshape(p.shape)
