"""The embedding through which a decoder sees a teacher's features."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hardsight.detectors.distillation.residual import convolution, shrinking


class Bottleneck(nn.Module):
    """Fuse features of several scales, and embed them in one (Deng & Li, 2022, section 3.3).

    Finer features are brought to the grid of the coarsest by strided convolutions, one a scale on
    the way; residual blocks make of all together twice its channels on half its grid. What is
    anomalous is not to pass.

    Args:
        channels, strides: of the features, fine to coarse.
        blocks: residual blocks.

    Shape:
        (B, channels[i], h_i, w_i) each -> (B, 2 channels[-1], h_last / 2, w_last / 2).
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], blocks: int = 2) -> None:
        super().__init__()
        steps = list(zip(channels, channels[1:], ratios(strides), strict=False))
        self.paths = nn.ModuleList(
            nn.Sequential(*(_step(*step) for step in steps[i:])) for i in range(len(channels))
        )
        last = channels[-1]
        self.embedding = shrinking(len(channels) * last, 2 * last, 2, blocks)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Return the embedding of a batch."""
        fused = [path(level) for path, level in zip(self.paths, levels, strict=True)]
        found: Tensor = self.embedding(torch.cat(fused, dim=1))
        return found


def ratios(strides: Sequence[int]) -> list[int]:
    """Return by how much each scale is coarser than the one before, n - 1 of n.

    Raises:
        ValueError: one is finer than the one before.
    """
    found = [coarse // fine for fine, coarse in pairwise(strides)]
    if 0 in found:
        raise ValueError(f"taps must go from fine to coarse, got features of strides {strides}")
    return found


def _step(channels: int, width: int, ratio: int) -> nn.Sequential:
    return nn.Sequential(convolution(channels, width, ratio), nn.BatchNorm2d(width), nn.ReLU())
