"""How PatchGuard scores: the settings as a value."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_PATCH = 14
"""Side in pixels of the patches that ``k`` counts, where a network judges pixels."""


@dataclass(frozen=True)
class PatchScoring:
    """From the logits of patches to a score and a map.

    Raises:
        ValueError: a value out of its range.
    """

    k: int = 5
    """Patches with the highest logits that the score averages; the paper says 5, its code 3.
    Of a network that judges pixels, as large a share of them as k has of 14 x 14 patches."""
    sigma: float = 6.0
    """Of the Gaussian that smooths the map, in pixels; 0: none."""
    radius: int = 7
    """Where the Gaussian is cut off, in pixels."""

    def __post_init__(self) -> None:
        if self.k < 1 or self.sigma < 0 or self.radius < 0:
            raise ValueError(
                "need k >= 1, sigma >= 0 and radius >= 0, got "
                f"k={self.k}, sigma={self.sigma} and radius={self.radius}"
            )

    def top(self, side: int, image_size: int) -> int:
        """Return how many of ``side`` x ``side`` logits the score averages.

        Raises:
            ValueError: k is larger than the number of patches.
        """
        pixelwise = side == image_size
        patches = (image_size / _PATCH) ** 2 if pixelwise else side**2
        if self.k > patches:
            raise ValueError(f"k must be between 1 and the {patches:g} patches, got {self.k}")
        return max(1, round(self.k / patches * image_size**2)) if pixelwise else self.k

    def spread(self, side: int, image_size: int) -> Tensor:
        """Return what bilinear enlargement and the Gaussian make of a line of logits.

        Both act on rows and columns apart, so that the map is ``spread @ logits @ spread.T``. The
        border is mirrored.

        Returns:
            (image_size, side).

        Raises:
            ValueError: a radius as large as the image.
        """
        if self.radius >= image_size:
            raise ValueError(f"radius must be below the {image_size} pixels, got {self.radius}")
        rows = torch.eye(side).view(1, 1, side, side)
        size = (image_size, side)
        found = F.interpolate(rows, size, mode="bilinear", align_corners=False)[0, 0]
        if self.sigma == 0 or self.radius == 0:
            return found
        near = torch.arange(-self.radius, self.radius + 1.0)
        kernel = torch.exp(-0.5 * (near / self.sigma) ** 2)
        padded = F.pad(found.T[:, None], (self.radius, self.radius), mode="reflect")
        smooth = F.conv1d(padded, (kernel / kernel.sum()).view(1, 1, -1))
        return smooth[:, 0].T.contiguous()
