"""Pseudo-anomalies of DRAEM and GLASS: another texture where Perlin noise passes a threshold."""

import math
from typing import Self

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Generator, Tensor

from hardsight.synthesis.recolouring import jitter, perlin
from hardsight.synthesis.warps import draw

_ENLARGED = (0.5, 2.0)
_MARGIN = 0.02
"""What the highest noise of an image lies above its threshold at the least."""


class PerlinTextures(BaseModel):
    """Make images anomalous by textures in the shape of Perlin noise (DRAEM, section 3.3).

    The texture is a turned, enlarged, recoloured part of a photograph or of another image of the
    batch. DRAEM takes it from the Describable Textures data set instead, which has to be
    downloaded; any such images can be handed in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    finest: int = Field(5, ge=0, le=8)
    """Lattice cells of the noise along a side are 2^0 to 2^finest, drawn apart for rows and
    columns."""
    threshold: float = 0.25
    """Threshold of noise within about [-0.5, 0.5]; a quarter is DRAEM's half of [-1, 1]. An image
    whose noise stays below is marked at its highest."""
    opacity: tuple[float, float] = (0.2, 1.0)
    """Range of the texture's weight beside the image's."""
    own: float = Field(0.5, ge=0, le=1)
    """Share of the textures that are parts of other images of the batch."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        low, high = self.opacity
        if not 0 < low <= high <= 1:
            raise ValueError(f"opacity must be 0 < low <= high <= 1, got {self.opacity}")
        return self

    @torch.no_grad()
    def __call__(
        self, images: Tensor, foreground: Tensor, textures: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """Make every image of a batch anomalous.

        Args:
            images: (B, 3, H, W) float in [0, 1].
            foreground: (B, 1, H, W) bool, where to lay textures; empty counts as everywhere.
            textures: (N, 3, h, w) float in [0, 1].
            generator: all the randomness, on any device.

        Returns:
            images (B, 3, H, W) in [0, 1] and masks (B, 1, H, W) bool, none empty.
        """
        masks = self.masks(images, foreground, generator)
        size = (images.shape[-2], images.shape[-1])
        other = images.roll(1, 0)
        index = torch.randint(
            len(textures), (len(images),), generator=generator, device=generator.device
        ).to(textures.device)
        taken = crops(textures[index], size, generator)
        from_images = draw(generator, len(images), 1, 1, 1, like=images) < self.own
        laid = torch.where(from_images, crops(other, size, generator), taken)
        laid = recoloured(laid, generator)
        low, high = self.opacity
        opacity = low + (high - low) * draw(generator, len(images), 1, 1, 1, like=images)
        return torch.where(masks, images.lerp(laid, opacity), images), masks

    def masks(self, images: Tensor, foreground: Tensor, generator: Generator) -> Tensor:
        """Draw where the anomalies are, (B, 1, H, W) bool, as a call does."""
        b, sides = len(images), images.new_tensor(images.shape[-2:])
        powers = (draw(generator, b, 2, like=images) * (self.finest + 1)).floor()
        noise = perlin(images, sides / powers.exp2(), generator, octaves=1)
        empty = ~foreground.flatten(1).any(1).view(-1, 1, 1, 1)
        noise = noise.masked_fill(~(foreground | empty), -math.inf)
        peak = noise.flatten(1).amax(1).view(-1, 1, 1, 1)
        return noise > (peak - _MARGIN).clamp_max(self.threshold)


def crops(sources: Tensor, size: tuple[int, int], generator: Generator) -> Tensor:
    """Cut a turned part out of every source, enlarged up to twice or shrunk up to half.

    Beyond a source's border it is mirrored.

    Shape:
        sources (B, 3, h, w) -> (B, 3, *size).
    """
    b = len(sources)
    u = draw(generator, 4, b, like=sources)
    low, high = (math.log2(v) for v in _ENLARGED)
    scale = (low + (high - low) * u[0]).exp2()
    height, width = (1 / scale * n / m for n, m in zip(size, sources.shape[-2:], strict=True))
    c, s = (2 * math.pi * u[1]).cos(), (2 * math.pi * u[1]).sin()
    place = 2 * u[2:] - 1
    theta = torch.stack((c * width, -s * width, place[0], s * height, c * height, place[1]), 1)
    grid = F.affine_grid(theta.view(b, 2, 3), [b, 3, *size], align_corners=False)
    return F.grid_sample(sources, grid, padding_mode="reflection", align_corners=False)


def recoloured(textures: Tensor, generator: Generator) -> Tensor:
    """Invert half of the textures, and jitter the colours of all."""
    b = len(textures)
    inverted = draw(generator, b, 1, 1, 1, like=textures) < 0.5
    amount, hue = textures.new_full((b,), 0.8), textures.new_full((b,), 0.5)
    return jitter(torch.where(inverted, 1 - textures, textures), amount, hue, generator)
