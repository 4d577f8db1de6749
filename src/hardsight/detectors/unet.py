"""A U-Net of double convolutions, with its skip connections or without."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UNet(nn.Module):
    """Encode and decode an image (Ronneberger et al., 2015).

    Args:
        inputs: channels given.
        outputs: channels returned.
        channels: of the first level; each further one has twice as many.
        levels: halvings of the image, whose sides are multiples of ``2**levels``.
        skips: let the decoder see what the encoder found at its level; without, all that is
            decoded has been through the smallest level.
    """

    def __init__(
        self, inputs: int, outputs: int, channels: int, levels: int, skips: bool = True
    ) -> None:
        super().__init__()
        self.skips = skips
        widths = [channels * 2**i for i in range(levels + 1)]
        self.down = nn.ModuleList(
            _double(a, b) for a, b in zip([inputs, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1])
        )
        seen = 2 if skips else 1
        self.join = nn.ModuleList(_double(seen * w, w) for w in reversed(widths[:-1]))
        self.logit = nn.Conv2d(channels, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, H, W) of (B, inputs, H, W)."""
        kept: list[Tensor] = []
        for i, stage in enumerate(self.down):
            x = stage(x if i == 0 else F.max_pool2d(x, 2))
            kept.append(x)
        kept.pop()
        for rise, join in zip(self.up, self.join, strict=True):
            x, beside = rise(x), kept.pop()
            x = join(torch.cat([beside, x], dim=1) if self.skips else x)
        found: Tensor = self.logit(x)
        return found


def _double(before: int, after: int) -> nn.Sequential:
    """Return two convolutions with batch normalisation."""
    layers: list[nn.Module] = []
    for width in (before, after):
        layers += [
            nn.Conv2d(width, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
