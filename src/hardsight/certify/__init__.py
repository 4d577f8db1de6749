"""Certificates: what no perturbation within an L2 radius can do to a score, a pixel or a label.

The median of the score over Gaussian noise is bounded by order statistics of one sample (Chiang et
al., Detection as Regression: Certified Object Detection by Median Smoothing, NeurIPS 2020). What
is certified is the *smoothed* detector, with confidence 1 - alpha over the noise drawn.

Limits. L2 only: see ``linf_radius`` for how little that says of L-infinity. sigma, quantile,
threshold and every setting are chosen on other images, never on the samples that certify.
Probabilities and ranks are exact in float64, but the images and their noise are float32 and a
generator is not a true Gaussian; rounding can in principle be exploited (Voracek & Hein, Sound
Randomized Smoothing in Floating-Point Arithmetics, ICLR 2023).
"""

from hardsight.certify.confidence import (
    binomial_cdf,
    critical_count,
    holm,
    per_image_alpha,
    upper_confidence,
)
from hardsight.certify.decision import Decision
from hardsight.certify.mean import NOT_A_CERTIFICATE, STATISTICS, mean_bounds
from hardsight.certify.percentile import percentile_bounds, ranks
from hardsight.certify.pixels import PixelCounter, certify_pixels
from hardsight.certify.radius import (
    Certified,
    certified_radius,
    largest_radius,
    linf_radius,
    needed_samples,
    side_radius,
)
from hardsight.certify.sampling import (
    Scorer,
    detections,
    detector_scorer,
    noisy_batches,
    score_samples,
)
from hardsight.certify.sequential import Looks, Settled, critical_counts, decide, plan_looks
from hardsight.certify.votes import ABSTAIN, Vote, certify_vote, count_votes

__all__ = [
    "ABSTAIN",
    "NOT_A_CERTIFICATE",
    "STATISTICS",
    "Certified",
    "Decision",
    "Looks",
    "PixelCounter",
    "Scorer",
    "Settled",
    "Vote",
    "binomial_cdf",
    "certified_radius",
    "certify_pixels",
    "certify_vote",
    "count_votes",
    "critical_count",
    "critical_counts",
    "decide",
    "detections",
    "detector_scorer",
    "holm",
    "largest_radius",
    "linf_radius",
    "mean_bounds",
    "needed_samples",
    "noisy_batches",
    "per_image_alpha",
    "percentile_bounds",
    "plan_looks",
    "ranks",
    "score_samples",
    "side_radius",
    "upper_confidence",
]
