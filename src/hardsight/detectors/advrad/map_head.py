"""The head that judges an image beside its reconstruction."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.core.batches import at_once, in_parts
from hardsight.data import Tiles
from hardsight.detectors.advrad.maps import multiscale_error
from hardsight.diffusion.folded import small_unet, usual_patch

MARGIN = 0.12
"""Contrast that an error must exceed to count, see ``multiscale_error``."""
FLOOR = 1e-4
"""Error below which its logarithm falls no further, about; 0.01 in contrast."""
LEAST_SPREAD = 0.1
"""Spread that normal logarithms are taken to have at least: of blank images they are all but equal,
and a defect would be a million of their spreads away. Images of parts have 0.4 and more."""


class MapHead(nn.Module):
    """Logits of "here is an anomaly", from an image and its reconstruction.

    They are ``weight * z + bias``, where z is the logarithm of a cell's error, less its mean on
    normal images and in units of its spread, and what a small U-Net adds after a look at the image,
    the difference to its reconstruction and z. Its last layer starts at zero: before any training
    the head ranks as the error does.

    Args:
        size: side of the images in pixels.
        channels: width of the U-Net's first level.
        multipliers: width of each level over ``channels``; each level halves the grid.
        patch: side of the cells in pixels that get a logit each; None: that of ``usual_patch``.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        size: int,
        channels: int = 32,
        multipliers: Sequence[int] = (1, 2, 2),
        patch: int | None = None,
    ) -> None:
        super().__init__()
        self.channels, self.multipliers = channels, tuple(multipliers)
        self.patch = usual_patch(size) if patch is None else patch
        self.unet = small_unet(size, 7, channels, multipliers, self.patch, outputs=1)
        nn.init.zeros_(self.unet.conv_out.weight)
        nn.init.zeros_(self.unet.conv_out.bias)
        self.weight = nn.Parameter(torch.tensor(1.0))
        self.bias = nn.Parameter(torch.tensor(-4.0))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    @property
    def config(self) -> dict[str, Any]:
        """The constructor's arguments but ``size``."""
        own = {"channels": self.channels, "multipliers": list(self.multipliers)}
        return own | {"patch": self.patch}

    def forward(self, images: Tensor, r: Tensor) -> Tensor:
        """Return logits, differentiably.

        Shape:
            images, r: (B, 3, H, W) in [0, 1] units -> (B, 1, H / patch, W / patch).
        """
        with torch.autocast(images.device.type, enabled=False):
            z: Tensor = (self.log_error(images, r) - self.mean) / self.spread
            seen = F.interpolate(z, scale_factor=self.patch)
        shown = torch.cat([2 * images - 1, 8 * (images - r), seen], 1)
        folded = F.pixel_unshuffle(shown, self.patch)
        added: Tensor = self.unet(folded, folded.new_zeros(len(folded))).sample
        logits: Tensor = self.weight * z + self.bias + added.to(z)
        return logits

    def log_error(self, images: Tensor, r: Tensor) -> Tensor:
        """Return the error's logarithm (B, 1, H / patch, W / patch), averaged over 3 x 3 cells."""
        error = F.avg_pool2d(multiscale_error(images, r, margin=MARGIN), self.patch)
        return (F.avg_pool2d(error, 3, 1, 1) + FLOOR).log()

    def fit_reference(self, log_errors: Tensor) -> None:
        """Set mean and spread of what ``log_error`` is on normal images, (N, 1, h, w)."""
        self.mean.copy_(log_errors.mean())
        self.spread.copy_(log_errors.std().clamp_min(LEAST_SPREAD))

    def maps(self, images: Tensor, r: Tensor, tiles: Tiles | None = None) -> Tensor:
        """Return the pixels' logits (B, 1, H, W), interpolated; of large pictures tile by tile."""
        if tiles is None:
            return self._enlarged(images, r)
        rows = at_once(tiles.tile, 16)
        (logits,) = in_parts(
            lambda x, y: (self._enlarged(x, y),), rows, tiles.cut(images), tiles.cut(r)
        )
        assert logits is not None
        return tiles.join(logits)

    def _enlarged(self, images: Tensor, r: Tensor) -> Tensor:
        logits = self(images, r)
        return F.interpolate(logits, images.shape[-2:], mode="bilinear", align_corners=False)
