"""A decoder that mirrors an encoder, and what it gives out at each scale."""

from collections.abc import Sequence

from torch import Tensor, nn

from hardsight.detectors.distillation.bottleneck import ratios
from hardsight.detectors.distillation.residual import enlarging


class Decoder(nn.Module):
    """Find features of several scales again from their embedding (Deng & Li, 2022, section 3.2).

    The encoder turned round: residual blocks a scale, coarse to fine, the first of which enlarges.

    Args:
        channels, strides: of the features, fine to coarse.
        blocks: residual blocks a scale.

    Shape:
        an embedding, see ``Bottleneck`` -> (B, channels[i], h_i, w_i) each, fine to coarse.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], blocks: int = 2) -> None:
        super().__init__()
        widths = (2 * channels[-1], *reversed(channels))
        steps = zip(widths, widths[1:], (2, *reversed(ratios(strides))), strict=False)
        self.stages = nn.ModuleList(enlarging(*step, blocks) for step in steps)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features, none below 0."""
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found[::-1]


class OutputConvolutions(nn.Module):
    """Map a decoder's features linearly, scale by scale: a teacher's may be below 0.

    Args:
        channels: of the features.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.scales = nn.ModuleList(nn.Conv2d(width, width, 1) for width in channels)

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Return features of the same shapes."""
        return [scale(level) for scale, level in zip(self.scales, levels, strict=True)]
