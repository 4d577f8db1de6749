"""An adversarial sticker: a small print of any content, anywhere (Brown et al., 2017)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.attacks.threats.threat import Threat, axes

PRINT = 16
"""Pixels along a side of what is printed."""
GAMUT = (0.05, 0.95)
"""Darkest and lightest that ink and paper give."""
JITTER = 0.01
"""What nobody controls of the place, as a share of the side, and of the size, as a share of it."""


@dataclass(frozen=True)
class Sticker(Threat):
    """Stick a square print of any colours on any place of the image.

    ``eps`` is the share of the image's area that it covers; without area there is none. With a
    generator its place and size vary as a hand's do, so that an attack averages over them.
    """

    name: ClassVar[str] = "sticker"
    default: ClassVar[float] = 0.01
    severity: ClassVar[str] = "the share of the image's area that is covered"

    def shape(self, images: Tensor) -> tuple[int, int, int]:
        """Return the print's values, and the place as two more."""
        return images.shape[1] * PRINT**2 + 2, 1, 1

    def apply(
        self, images: Tensor, parameters: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return images with the sticker on them, its edge a pixel wide."""
        b, c, height, width = images.shape
        flat = parameters.flatten(1)
        low, high = GAMUT
        printed = (low + (high - low) * flat[:, :-2]).view(b, c, PRINT, PRINT)
        half = math.sqrt(self.eps)  # half the side where the image is 2 wide
        if half == 0:
            return images
        jitter = images.new_zeros(b, 3)
        if generator is not None:
            drawn = torch.rand(b, 3, generator=generator, device=generator.device)
            jitter = JITTER * (2 * drawn.to(images) - 1)
        place = (2 * flat[:, -2:] - 1) * (1 - half) + 2 * jitter[:, :2]
        size = half * (1 + jitter[:, 2]).view(-1, 1, 1)
        y, x = axes(images)
        u = ((x - place[:, 0].view(-1, 1, 1)) / size).expand(-1, height, -1)
        v = ((y - place[:, 1].view(-1, 1, 1)) / size).expand(-1, -1, width)
        shown = F.grid_sample(
            printed, torch.stack((u, v), -1), padding_mode="border", align_corners=False
        )
        inside = torch.ones_like(u)
        for along, n in ((u, width), (v, height)):
            inside = inside * ((1 - along.abs()) * size * n / 2 + 0.5).clamp(0, 1)
        return images.lerp(shown, inside[:, None])
