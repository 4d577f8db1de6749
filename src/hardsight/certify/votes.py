"""Certified classification by majority vote (Cohen et al., 2019)."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from hardsight.certify.radius import side_radius
from hardsight.certify.sampling import Scorer, noisy_batches

ABSTAIN = -1
"""The label of a vote that no class certainly wins."""


class Vote(NamedTuple):
    """The smoothed classifier's answer for one image."""

    label: int
    """Class index, or ABSTAIN."""
    radius: float
    """L2 radius in which every image gets this label; NaN where it abstains."""


def count_votes(
    classifier: Scorer,
    image: Tensor,
    n: int,
    sigma: float,
    generator: torch.Generator,
    batch_size: int | None = None,
) -> NDArray[np.int64]:
    """Return (K,): how many of n noisy copies of an image went to each class.

    Args:
        classifier: ``(images, generator) -> (B, K)`` logits or probabilities; for a plain module
            ``lambda x, _: module(x)``.
        image, n, sigma, generator, batch_size: as ``noisy_batches``.

    Raises:
        ValueError: as ``noisy_batches``, or logits that are not (B, K) or hold NaN.
    """
    votes, nan = torch.zeros((), dtype=torch.int64), torch.zeros((), dtype=torch.bool)
    with torch.no_grad():
        for x in noisy_batches(image, n, sigma, generator, batch_size):
            logits = classifier(x, generator)
            if logits.ndim != 2 or len(logits) != len(x) or logits.shape[1] < 2:
                raise ValueError(
                    f"classifier must return logits ({len(x)}, classes) of at least 2 classes, got "
                    f"{tuple(logits.shape)}; of a single logit s give (0, s)"
                )
            votes = torch.bincount(logits.argmax(1), minlength=logits.shape[1]) + votes
            nan = logits.isnan().any() | nan
    if bool(nan):
        raise ValueError(
            f"classifier returned NaN at sigma={sigma:g}; look at what it makes of values "
            "outside [0, 1]"
        )
    return np.asarray(votes.cpu().numpy(), dtype=np.int64)


def certify_vote(proposing: ArrayLike, judging: ArrayLike, sigma: float, alpha: float) -> Vote:
    """Cohen et al. (2019), procedure CERTIFY: the majority class and the radius it is safe in.

    A first sample proposes the class, a second one, independent of it, bounds its probability: a
    class proposed by the sample that also judges it would be judged too kindly. Statement: unless
    it abstains, the label is the smoothed classifier's throughout the radius, with confidence
    1 - alpha.

    Args:
        proposing: (K,) votes of ``count_votes``; Cohen et al. use 100.
        judging: (K,) votes of other noisy copies; Cohen et al. use 100,000.
        sigma: standard deviation of the smoothing noise.
        alpha: probability that the answer is false.

    Raises:
        ValueError: votes of different classes, or none.
    """
    proposed, votes = np.asarray(proposing), np.asarray(judging)
    if proposed.ndim != 1 or proposed.shape != votes.shape or proposed.size < 2:
        raise ValueError(
            "proposing and judging must both have shape (K,), votes for the same K >= 2 classes, "
            f"got {proposed.shape} and {votes.shape}; count both by count_votes"
        )
    label = int(np.argmax(proposed))
    n = int(votes.sum())
    radius = float(side_radius(n - votes[label], n, sigma, alpha))
    return Vote(ABSTAIN if np.isnan(radius) else label, radius)
