"""Certified radii: how far a decision is safe, and how many samples a radius takes."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from hardsight.certify.confidence import Floats, check_alpha, check_samples, upper_confidence
from hardsight.certify.decision import Decision
from hardsight.certify.percentile import check_quantile, check_sigma, tail_levels
from hardsight.metrics.checks import finite


class Certified(NamedTuple):
    """The decisions of the smoothed score, and how far each of them is safe."""

    decision: NDArray[np.int8]
    """Values of ``Decision``; UNDECIDED where the certificate abstains."""
    radius: Floats
    """L2, in pixel units; NaN where it abstains, so that ``radius >= r`` is false there."""


def side_radius(
    against: ArrayLike, n: int, sigma: float, alpha: float, share: float = 0.5
) -> Floats:
    """Cohen et al. (2019), Theorem 1: the radius in which an event stays rarer than ``share``.

    ``sigma (Phi^-1(share) - Phi^-1(p))`` for the upper confidence bound p of its probability.

    Args:
        against: any shape; in how many of the n noisy copies the event happened.
        n: noisy copies.
        sigma: standard deviation of the smoothing noise.
        alpha: probability that a radius is too large.
        share: 0.5 for a majority vote or a median.

    Returns:
        Of the same shape; NaN where the event is not certainly rarer without any perturbation.
    """
    p = upper_confidence(against, n, alpha)
    radius = check_sigma(sigma) * (special.ndtri(share) - special.ndtri(p))
    return np.where(radius >= 0, radius, np.nan)


def certified_radius(
    scores: ArrayLike, threshold: float, sigma: float, alpha: float, quantile: float = 0.5
) -> Certified:
    """Return each image's decision at ``threshold`` and the largest radius at which it is certain.

    ANOMALOUS: the smoothed score stays strictly above the threshold; NORMAL: it stays at or below.
    Statement: an image's decision holds within its radius with confidence 1 - alpha. The sample
    itself says on which side to look, so each side gets alpha / 2; it is the largest radius at
    which ``percentile_bounds`` with alpha / 2 lies on one side of the threshold.

    Args:
        scores: (n,) or (n, B) finite scores of noisy copies.
        threshold: fixed beforehand, on other images.
        sigma: standard deviation of the smoothing noise.
        alpha: probability that an image's statement is false.
        quantile: of the smoothed score; 0.5 is the median.

    Returns:
        Decisions and radii, () or (B,).
    """
    s = finite(scores, "scores")
    if s.ndim not in (1, 2):
        raise ValueError(f"scores must have shape (n,) or (n, B), got {s.shape}")
    if not math.isfinite(threshold):
        raise ValueError(f"threshold must be finite, got {threshold}; calibrate the detector")
    check_quantile(quantile)
    n, above = len(s), (s.astype(np.float64) > threshold).sum(axis=0)
    anomalous = side_radius(n - above, n, sigma, alpha / 2, quantile)
    normal = side_radius(above, n, sigma, alpha / 2, 1 - quantile)
    decision = np.where(np.isnan(normal), Decision.UNDECIDED, Decision.NORMAL)
    decision = np.where(np.isnan(anomalous), decision, Decision.ANOMALOUS)
    # never both: alpha / 2 < 1 / 2 puts each side's confidence bound above its share of the sample
    return Certified(decision.astype(np.int8), np.where(np.isnan(anomalous), normal, anomalous))


def largest_radius(n: int, sigma: float, alpha: float, quantile: float = 0.5) -> float:
    """Return the largest radius at which n samples bound the quantile on both sides.

    All n scores on one side are then just enough. NaN where n bounds nothing, not even at radius 0.
    """
    p = -math.expm1(math.log(check_alpha(alpha)) / check_samples(n))  # (1 - p)^n = alpha
    shift = -abs(special.ndtri(check_quantile(quantile))) - special.ndtri(p)
    radius = check_sigma(sigma) * float(shift)
    return radius if radius >= 0 else math.nan


def unanimous_samples(p: float, alpha: float) -> float:
    """Return the smallest n with (1 - p)^n <= alpha: n without a success refute "p or more".

    A whole number; infinity where it would have more than 300 digits.
    """
    n = math.log(check_alpha(alpha)) / math.log1p(-p) if p > 0 else math.inf
    return math.ceil(n) if math.isfinite(n) else n


def needed_samples(radius: float, sigma: float, alpha: float, quantile: float = 0.5) -> float:
    """Return the smallest n that bounds the quantile on both sides at ``radius``.

    A whole number; infinity where it would have more than 300 digits (radius / sigma above 37).
    """
    low, high = (float(level) for level in tail_levels(radius, sigma, quantile))
    return unanimous_samples(min(low, high), alpha)


def linf_radius(l2_radius: float, d: int) -> float:
    """Return the largest L-infinity eps that an L2 certificate covers: ``l2_radius / sqrt(d)``.

    A change of every one of d values by eps has the L2 norm eps sqrt(d). At 3 x 256 x 256 an eps
    of 8/255 takes a radius of 13.9, and a radius of 0.2 covers an eps of 0.115/255: certificates
    of this kind say little about L-infinity attacks.

    Args:
        l2_radius: in [0, 1] pixel units.
        d: values of an image, channels x height x width.
    """
    if d < 1:
        raise ValueError(f"d must be at least 1 (channels x height x width), got {d}")
    return l2_radius / math.sqrt(d)
