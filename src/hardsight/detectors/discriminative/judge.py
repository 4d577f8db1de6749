"""The small network that judges the features of patches."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from hardsight.detectors.channel_statistics import channel_statistics


class PatchJudge(nn.Module):
    """Adapt the features of patches linearly, and tell whether they are anomalous.

    Liu et al. (2023), sections 3.2 and 3.4. Features are standardised first, which gives noise and
    perturbations of features one unit, whatever the backbone: the standard deviation of a channel.

    Args:
        channels: of the features.
        hidden: of the discriminator.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, hidden: int = 256) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))
        self.adaptor = nn.Conv2d(channels, channels, 1)
        self.discriminator = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.LeakyReLU(0.2),
            nn.Conv2d(hidden, 1, 1, bias=False),
        )

    def standardise(self, batches: Iterable[Tensor]) -> None:
        """Take mean and standard deviation of every channel from batches (B, C, h, w), in place."""
        self.mean, self.std = channel_statistics(batches)

    def adapted(self, features: Tensor) -> Tensor:
        """Return the adapted features (B, C, h, w) of (B, C, h, w)."""
        found: Tensor = self.adaptor((features - self.mean) / self.std)
        return found

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (B, 1, h, w) of patches, above 0 anomalous."""
        logits: Tensor = self.discriminator(self.adapted(features))
        return logits
