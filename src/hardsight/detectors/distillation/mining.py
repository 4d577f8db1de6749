"""Losses that leave alone what is found well already."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from hardsight.detectors.distillation.distances import cosine_distance

Threshold = Callable[[Tensor, float], Tensor]
"""(distances of any shape, progress in [0, 1]) -> below which a place is found well."""


def deviations(distances: Tensor, progress: float) -> Tensor:
    """Return mean - 3 standard deviations, and with progress mean + 1 (ReContrast, eq. 6)."""
    return distances.mean() + (4 * progress - 3) * distances.std()


def highest(distances: Tensor, progress: float) -> Tensor:
    """Return the least of all distances, and with progress of the highest tenth (Dinomaly)."""
    count = max(1, round((1 - 0.9 * progress) * distances.numel()))
    return distances.flatten().topk(count).values[-1]


class HardMining(nn.Module):
    """Measure the distance of each scale as one vector, easy places with a weaker gradient.

    Which are easy is decided the more strictly the more steps are done; they are counted in a
    buffer, so that a resumed training goes on where it was.

    Args:
        threshold: what is easy.
        factor: of the gradient there.
    """

    step: Tensor

    def __init__(self, threshold: Threshold, factor: float) -> None:
        super().__init__()
        self.threshold, self.factor = threshold, factor
        self.warm_up = 1
        """Steps until the threshold is at its end; a fit sets it."""
        self.register_buffer("step", torch.zeros((), dtype=torch.long))

    def forward(self, expected: Sequence[Tensor], found: Sequence[Tensor]) -> Tensor:
        """Return the mean distance of the scales, (B, C_i, h_i, w_i) each, a scalar.

        Nothing of its gradient goes to ``expected``.
        """
        progress = min(1.0, int(self.step) / self.warm_up)
        if self.training:
            self.step += 1
        losses = []
        for a, b in zip(expected, found, strict=True):
            target = a.detach()
            distances = cosine_distance(target, b.detach())[:, None]
            easy = distances < self.threshold(distances, progress)
            weaker = b * self.factor + b.detach() * (1 - self.factor)
            mined = torch.where(easy, weaker, b)
            losses.append(cosine_distance(target.flatten(1), mined.flatten(1)).mean())
        return torch.stack(losses).mean()
