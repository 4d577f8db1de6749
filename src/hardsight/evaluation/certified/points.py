"""From the scores of noisy copies to the certified metrics at every radius."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hardsight.certify import (
    STATISTICS,
    Looks,
    linf_radius,
    needed_samples,
    per_image_alpha,
    percentile_bounds,
    plan_looks,
)
from hardsight.evaluation.certified.plan import Terms
from hardsight.evaluation.certified.results import Floats, Point, Settling
from hardsight.metrics import certified_auroc, certified_f1, certified_tpr_at_fpr


def certified_points(
    scores: Floats,
    labels: NDArray[np.bool_],
    radii: Sequence[float],
    terms: Terms,
    threshold: float,
    values: int,
) -> tuple[Point, ...]:
    """Return the certified metrics at each radius, all from one sample.

    Args:
        scores: (n, N) of noisy copies, a column an image.
        labels: (N,) true = anomalous, both labels.
        radii: L2, in [0, 1] pixel units.
        terms: all but the radii.
        threshold: of the smoothed score.
        values: of an image, channels x height x width.
    """
    own = terms.bounds
    joint = own | {"alpha": per_image_alpha(terms.alpha, len(labels))}
    each = percentile_bounds(scores, radii, **own)
    together = percentile_bounds(scores, radii, **joint)
    mean = STATISTICS["mean"](scores, radii, terms.sigma, terms.alpha)
    found = []
    for i, radius in enumerate(radii):
        (lower, upper), (lower_joint, upper_joint), (lower_mean, upper_mean) = (
            (low[i][labels], high[i][~labels]) for low, high in (each, together, mean)
        )
        found.append(
            Point(
                radius=radius,
                linf=linf_radius(radius, values),
                f1=certified_f1(lower, upper, threshold),
                auroc=certified_auroc(lower, upper),
                auroc_joint=certified_auroc(lower_joint, upper_joint),
                auroc_mean=certified_auroc(lower_mean, upper_mean),
                tpr=certified_tpr_at_fpr(lower, upper, terms.fpr),
                tpr_joint=certified_tpr_at_fpr(lower_joint, upper_joint, terms.fpr),
                f1_joint=certified_f1(lower_joint, upper_joint, threshold),
                needed=needed_samples(radius, **own),
                needed_joint=needed_samples(radius, **joint),
            )
        )
    return tuple(found)


def would_settle(scores: Floats, threshold: float, looks: Looks) -> Settling:
    """Return what early stopping would have done, had it been asked for.

    Args:
        scores: (n, N) in the order they were drawn, n the last of ``looks.samples``.
        threshold: of the smoothed score.
        looks: from ``plan_looks``.
    """
    below = np.cumsum(scores <= threshold, axis=0)
    waiting = np.ones(scores.shape[1], dtype=np.bool_)
    certain = taken = 0
    for look, samples in enumerate(looks.samples):
        decisions, over = looks.settle(look, below[samples - 1])
        now = waiting & over
        certain += int((decisions[now] != 0).sum())
        taken += int(now.sum()) * samples
        waiting &= ~over
    return Settling(looks.radius, certain, taken, scores.size - taken)


def settlings(scores: Floats, threshold: float, terms: Terms) -> tuple[Settling, ...]:
    """Return ``would_settle`` at every radius at which that many samples settle anything."""
    n, sigma, alpha, quantile = len(scores), terms.sigma, terms.alpha, terms.quantile
    return tuple(
        would_settle(scores, threshold, plan_looks(n, r, sigma, alpha, quantile))
        for r in terms.radii
        if needed_samples(r, sigma, alpha / 2, quantile) <= n
    )
