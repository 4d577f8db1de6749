"""Percentile smoothing: bounds of a score's smoothed median, at every radius from one sample."""

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hardsight.certify.confidence import Floats, Ints, critical_count
from hardsight.metrics.checks import finite


def check_sigma(sigma: float) -> float:
    """Return ``sigma`` if it is a noise level.

    Raises:
        ValueError: not finite and positive.
    """
    if not (isinstance(sigma, Real) and np.isfinite(float(sigma)) and sigma > 0):
        raise ValueError(
            f"sigma must be finite and > 0, got {sigma!r}; it is the standard deviation of the "
            "smoothing noise in [0, 1] pixel units, 0.125 is usual"
        )
    return sigma


def check_quantile(quantile: float) -> float:
    """Return ``quantile`` if it is one.

    Raises:
        ValueError: outside (0, 1).
    """
    if not 0.0 < quantile < 1.0:
        raise ValueError(f"quantile must be in (0, 1), got {quantile}; 0.5 is the median")
    return quantile


def tail_levels(radius: ArrayLike, sigma: float, quantile: float = 0.5) -> tuple[Floats, Floats]:
    """Return (p_lo, 1 - p_hi) with p = Phi(Phi^-1(quantile) -+ radius / sigma).

    Chiang et al. (2020), Lemma 1, from Neyman and Pearson: a perturbation of L2 norm at most
    ``radius`` moves no event's probability across these levels. Both are left tails, so that
    neither loses digits at a large radius.

    Shape:
        radius: any -> two of the same.

    Raises:
        ValueError: a negative radius, sigma not positive, a quantile outside (0, 1).
    """
    r = np.asarray(radius, dtype=np.float64)
    if not bool((np.isfinite(r) & (r >= 0)).all()):
        raise ValueError(f"radius must be finite and >= 0 (an L2 norm in pixel units), got {r}")
    shift, centre = r / check_sigma(sigma), special.ndtri(check_quantile(quantile))
    low, high = special.ndtr(centre - shift), special.ndtr(-centre - shift)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def ranks(
    n: int, radius: ArrayLike, sigma: float, alpha: float, quantile: float = 0.5
) -> tuple[Ints, Ints]:
    """Return the 1-based ranks (lower, upper) among n sorted scores that bound the quantile.

    Lower: the largest k with P(Bin(n, p_lo) >= k) >= 1 - alpha; 0 where there is none. Upper: the
    smallest k with P(Bin(n, p_hi) <= k - 1) >= 1 - alpha; n + 1 where there is none.

    Shape:
        radius: any -> two of the same.
    """
    low, high = tail_levels(radius, sigma, quantile)
    return critical_count(n, low, alpha) + 1, n - critical_count(n, high, alpha)


def percentile_bounds(
    scores: ArrayLike, radius: ArrayLike, sigma: float, alpha: float, quantile: float = 0.5
) -> tuple[Floats, Floats]:
    """Chiang et al. (2020), Lemma 1 and section 4: what a perturbation can make of a median.

    The smoothed score of an image x is the smallest y with P[f(x + sigma z) <= y] >= quantile,
    over the Gaussian z and the detector's own randomness. Each of the two bounds, by itself, holds
    with confidence 1 - alpha for the smoothed score of *every* x + delta with ||delta||_2 <=
    radius. Both together hold with 1 - 2 alpha, M images' with 1 - M alpha (``per_image_alpha``).
    Several radii cost no further sample, but each has its own confidence: none may be picked
    because its bound came out well.

    Nothing is assumed of f. Where scores tie or are discrete the statement holds as it stands:
    P[X_(k) < q] = P[Bin(n, P(f < q)) >= k] <= P[Bin(n, p_hi) >= k] for the p_hi-quantile q, and
    likewise below.

    Args:
        scores: (n,) or (n, B) finite scores of noisy copies, in any order; column b is image b.
        radius: L2, in [0, 1] pixel units; a number, or (R,) for a curve.
        sigma: standard deviation of the smoothing noise.
        alpha: probability that a bound is false, for each bound of each image.
        quantile: of the smoothed score; 0.5 is the median.

    Returns:
        (lower, upper), each of shape radius.shape + scores.shape[1:]; -inf or +inf where n samples
        cannot bound it (``needed_samples`` says how many could).

    Raises:
        ValueError: scores that are empty, not finite or of another shape; a bad parameter.

    Examples:
        >>> import numpy as np
        >>> from hardsight.certify import percentile_bounds
        >>> percentile_bounds(np.arange(1, 1001), 0.25, sigma=0.5, alpha=0.001)
        (array(264.), array(737.))
    """
    s = np.sort(finite(scores, "scores"), axis=0).astype(np.float64)
    if s.ndim not in (1, 2):
        raise ValueError(f"scores must have shape (n,) or (n, B), got {s.shape}")
    n = len(s)
    low, high = ranks(n, radius, sigma, alpha, quantile)
    column = (..., *[None] * (s.ndim - 1))
    lower = np.where((low >= 1)[column], s[np.maximum(low, 1) - 1], -np.inf)
    upper = np.where((high <= n)[column], s[np.minimum(high, n) - 1], np.inf)
    return lower, upper
