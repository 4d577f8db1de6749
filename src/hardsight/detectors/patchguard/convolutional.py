"""Convolutional networks in place of the ViT, for the comparison (PatchGuard, section C.4)."""

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.detectors.patchguard.patch_network import PatchNetwork


class PatchResNet(PatchNetwork):
    """A ResNet that judges every patch by itself, cut out by hand.

    Args:
        size: side of the images in pixels.
        architecture: any of timm's convolutional networks.
        cell: side of a patch in pixels; divides ``size``.
    """

    def __init__(self, size: int, architecture: str = "resnet50", cell: int = 14) -> None:
        super().__init__()
        if size % cell:
            raise ValueError(f"image_size={size} is not a multiple of the patch, {cell}")
        self.cell, self.side = cell, size // cell
        self.network = timm.create_model(architecture, pretrained=False, num_classes=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, 1, side, side) of normalised (B, 3, size, size)."""
        b, c, n, p = *x.shape[:2], self.side, self.cell
        cells = x.view(b, c, n, p, n, p).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, p, p)
        logits: Tensor = self.network(cells)
        return logits.view(len(x), 1, self.side, self.side)


class UNet(PatchNetwork):
    """A U-Net that judges every pixel (Ronneberger et al., 2015).

    Args:
        size: side of the images in pixels, a multiple of ``2**levels``.
        channels: of the first level; each further one has twice as many.
        levels: halvings of the image.
    """

    cell = 1

    def __init__(self, size: int, channels: int = 32, levels: int = 4) -> None:
        super().__init__()
        if size % 2**levels:
            raise ValueError(f"image_size={size} is not a multiple of {2**levels}")
        self.side = size
        widths = [channels * 2**i for i in range(levels + 1)]
        self.down = nn.ModuleList(
            _pair(a, b) for a, b in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1])
        )
        self.join = nn.ModuleList(_pair(2 * w, w) for w in reversed(widths[:-1]))
        self.logit = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, 1, size, size) of normalised (B, 3, size, size)."""
        kept: list[Tensor] = []
        for i, stage in enumerate(self.down):
            x = stage(x if i == 0 else F.max_pool2d(x, 2))
            kept.append(x)
        kept.pop()
        for rise, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([kept.pop(), rise(x)], dim=1))
        logits: Tensor = self.logit(x)
        return logits


def _pair(before: int, after: int) -> nn.Sequential:
    """Return two convolutions with batch normalisation."""
    layers: list[nn.Module] = []
    for width in (before, after):
        layers += [
            nn.Conv2d(width, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
