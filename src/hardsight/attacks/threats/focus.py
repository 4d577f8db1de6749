"""Out of focus, and moved while the shutter was open."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hardsight.attacks.threats.threat import Threat, signed
from hardsight.synthesis.blur import gaussian_blur
from hardsight.synthesis.warps import pixel_axes, sample_at

MOMENTS = 9
"""Points of time that stand for the time the shutter was open."""


@dataclass(frozen=True)
class Focus(Threat):
    """Blur by a Gaussian, and along a straight motion.

    ``eps`` is a share of the image's shorter side: the largest standard deviation of the Gaussian,
    and half the longest way along each axis.
    """

    name: ClassVar[str] = "focus"
    default: ClassVar[float] = 0.01
    severity: ClassVar[str] = (
        "the largest standard deviation of the blur, as a share of the shorter side"
    )

    def shape(self, images: Tensor) -> tuple[int, int, int]:
        """Return the blur, and the way along both axes."""
        return 3, 1, 1

    def apply(
        self, images: Tensor, parameters: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return blurred images."""
        pixels = self.eps * min(images.shape[-2:])
        blur, down, across = parameters.flatten(1).unbind(1)
        sigma = (blur * pixels).clamp_min(1e-2)
        x = gaussian_blur(images, sigma, max(1, math.ceil(3 * pixels)))
        rows, columns = (axis.expand(x.shape[-2:]) for axis in pixel_axes(x))
        ways = [pixels * signed(way).view(-1, 1, 1) for way in (down, across)]
        moments = torch.linspace(-1, 1, MOMENTS).tolist()
        seen = [sample_at(x, rows + t * ways[0], columns + t * ways[1]) for t in moments]
        return torch.stack(seen).mean(0)
