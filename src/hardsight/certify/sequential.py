"""Early stopping: an image's decision at one radius, as soon as it is settled."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from hardsight.certify.confidence import Bools, Floats, Ints, check_samples, critical_count
from hardsight.certify.decision import Decision
from hardsight.certify.percentile import tail_levels
from hardsight.certify.radius import unanimous_samples
from hardsight.certify.sampling import Scorer, score_samples


class Settled(NamedTuple):
    """What came of one image."""

    decision: Decision
    samples: int
    """Noisy copies scored."""
    saved: int
    """Noisy copies that the full plan would have scored beyond them."""


def critical_counts(samples: ArrayLike, p: float, alpha: float) -> tuple[Ints, Floats]:
    """Return the counts c_j, and the probability used up, of a repeated exact binomial test.

    Lan & DeMets (1983), with an equal share of alpha for each look and what discreteness leaves
    unused carried on. Let M_j count successes of probability p among the first n_j samples. c_j is
    the largest with P(M_j <= c_j, no earlier M_i <= c_i) within the budget; those probabilities are
    exact, by carrying forward the distribution of M_j over the paths that have not stopped. They
    are disjoint and sum to at most alpha, hence P(some M_j <= c_j) <= alpha; a larger p makes every
    M_j larger and the event rarer, so the test is one of "p or more".

    Args:
        samples: (J,) increasing sample sizes n_j, fixed beforehand.
        p: success probability under the hypothesis.
        alpha: of all looks together.

    Returns:
        (J,) counts, -1 where a look cannot stop, never decreasing; (J,) cumulative probabilities.
    """
    from scipy import stats  # slow to import: not before it is needed

    n = np.asarray(samples, dtype=np.int64)
    # M only grows, and the last c is at most that of a single test: more successes never matter.
    most = max(int(critical_count(int(n[-1]), p, alpha)), 0)
    alive, spent = np.ones(1), 0.0
    counts, used = np.full(len(n), -1), np.zeros(len(n))
    for j, step in enumerate(np.diff(n, prepend=0)):
        new = stats.binom.pmf(np.arange(min(int(step), most) + 1), step, p)
        alive = np.convolve(alive, new)[: most + 1]
        tail = np.cumsum(alive)
        c = int(np.searchsorted(tail, alpha * (j + 1) / len(n) - spent, "right")) - 1
        if c >= 0:
            spent += float(tail[c])
            alive[: c + 1] = 0.0
        counts[j], used[j] = c, spent
    return counts, used


@dataclass(frozen=True)
class Looks:
    """A plan, made before the first sample, of when to look and what settles a decision."""

    radius: float
    sigma: float
    alpha: float
    """Probability that an image's decision is false, over all looks and both sides."""
    samples: tuple[int, ...]
    """(J,) noisy copies at each look; the last is the most that are scored."""
    below: tuple[int, ...]
    """(J,) ANOMALOUS once at most this many scores are at or below the threshold; -1: not yet."""
    above: tuple[int, ...]
    """(J,) NORMAL once at most this many scores are above the threshold; -1: not yet."""

    def settle(self, look: int, below: ArrayLike) -> tuple[NDArray[np.int8], Bools]:
        """Return the decisions at a look, and whether sampling is over.

        It is over too once neither decision can be reached any more, whatever the remaining
        samples say: stopping for that never makes a false statement.

        Args:
            look: 0 to J - 1.
            below: any shape; scores at or below the threshold so far.
        """
        m = np.asarray(below)
        e = self.samples[look] - m
        decision = np.where(e <= self.above[look], Decision.NORMAL, Decision.UNDECIDED)
        decision = np.where(m <= self.below[look], Decision.ANOMALOUS, decision).astype(np.int8)
        hopeless = (m > self.below[-1]) & (e > self.above[-1])
        last = look == len(self.samples) - 1
        return decision, (decision != Decision.UNDECIDED) | hopeless | last


def plan_looks(
    n: int, radius: float, sigma: float, alpha: float, quantile: float = 0.5, looks: int = 8
) -> Looks:
    """Plan early stopping of a decision at ``radius``, with at most n noisy copies an image.

    The first look comes where a unanimous sample first suffices, the others in geometric steps.
    Each side is tested at alpha / 2 by ``critical_counts``: with P[score <= threshold] = p_lo for
    ANOMALOUS and P[score > threshold] = 1 - p_hi for NORMAL.

    Args:
        n: most noisy copies of an image.
        radius: L2; the decision is about this radius alone.
        sigma: standard deviation of the smoothing noise.
        alpha: probability that an image's decision is false.
        quantile: of the smoothed score; 0.5 is the median.
        looks: most looks at the scores.

    Raises:
        ValueError: a bad parameter, or n too small to settle anything (says how many it takes).
    """
    check_samples(n)
    check_samples(looks, "looks")
    low, high = (float(level) for level in tail_levels(radius, sigma, quantile))
    easier = max(low, high)
    needed = unanimous_samples(easier, alpha / 2)
    if n < needed:
        raise ValueError(
            f"n={n} samples settle nothing at radius={radius:g}, sigma={sigma:g}, alpha={alpha:g}: "
            f"give at least {needed:g}, or a larger sigma"
        )
    first = min(n, unanimous_samples(easier, alpha / 2 / looks)) if looks > 1 else n
    samples = np.unique(np.geomspace(first, n, looks).round().astype(np.int64))
    below, _ = critical_counts(samples, low, alpha / 2)
    above, _ = critical_counts(samples, high, alpha / 2)
    as_ints = (tuple(int(v) for v in values) for values in (samples, below, above))
    return Looks(radius, sigma, alpha, *as_ints)


def decide(
    scorer: Scorer,
    image: Tensor,
    threshold: float,
    looks: Looks,
    generator: torch.Generator,
    batch_size: int | None = None,
) -> Settled:
    """Score noisy copies of one image until its decision at ``looks.radius`` is settled.

    Statement: unless UNDECIDED, the smoothed score of every image within the radius is on the
    decision's side of the threshold, with confidence 1 - ``looks.alpha``. It says nothing of other
    radii, nor of the smoothed score itself: bounds need all n samples.

    Args:
        scorer: ``(images, generator) -> (B,)``.
        image: (C, H, W) in [0, 1].
        threshold: fixed beforehand, on other images.
        looks: from ``plan_looks``.
        generator, batch_size: as ``score_samples``.
    """
    taken = below = 0
    decision, over = np.zeros((), np.int8), np.zeros((), np.bool_)
    for look, n in enumerate(looks.samples):
        scores = score_samples(scorer, image, n - taken, looks.sigma, generator, batch_size)
        below, taken = below + int((scores <= threshold).sum()), n
        decision, over = looks.settle(look, below)
        if over:
            break
    return Settled(Decision(int(decision)), taken, looks.samples[-1] - taken)
