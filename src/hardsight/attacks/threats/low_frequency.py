"""Smooth perturbations: shade, fog and stains rather than noise."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.attacks.threats.threat import Threat, signed

CELLS = 8
"""Values along a side, between which a perturbation is interpolated."""


@dataclass(frozen=True)
class LowFrequency(Threat):
    """Add a perturbation that is interpolated between 8 x 8 values a channel.

    No pixel changes by more than ``eps``: a part of the L-inf ball without the high frequencies
    that purifiers remove and eyes overlook.
    """

    name: ClassVar[str] = "low-frequency"
    default: ClassVar[float] = 8 / 255
    severity: ClassVar[str] = "the largest change of a pixel, of 1"

    def shape(self, images: Tensor) -> tuple[int, int, int]:
        """Return the values of each channel."""
        return images.shape[1], CELLS, CELLS

    def apply(
        self, images: Tensor, parameters: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return images with the perturbation."""
        size = images.shape[-2:]
        smooth = F.interpolate(signed(parameters), size, mode="bilinear", align_corners=False)
        return (images + self.eps * smooth).clamp(0, 1)
