"""Distances between a teacher's features and a student's, as a map and a score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.core.types import Detection
from hardsight.detectors.enlargement import Enlargement
from hardsight.detectors.highest import highest_mean

Combination = Literal["sum", "product"]
"""How the maps of several scales become one."""


def cosine_distance(expected: Tensor, found: Tensor) -> Tensor:
    """Return 1 - cosine of vectors along dimension 1, as half a square: small ones are exact.

    Shape:
        (B, C, ...) each -> (B, ...), in [0, 2].
    """
    return 0.5 * (F.normalize(expected) - F.normalize(found)).square().sum(1)


@dataclass(frozen=True)
class DistanceScoring:
    """From distances of several scales to a map and a score.

    Raises:
        ValueError: a value out of its range.
    """

    combine: Combination = "sum"
    """See ``Combination``."""
    sigma: float = 4.0
    """Sigma of the Gaussian that smooths the map, in pixels; 0: none."""
    top: float = 0.0
    """Share of the pixels, the highest, whose mean is the score; 0: the highest alone."""
    align_corners: bool = True
    """Whether enlarged maps begin and end in the middle of their outer patches."""

    def __post_init__(self) -> None:
        if self.combine not in get_args(Combination):
            raise ValueError(f'combine must be "sum" or "product", got {self.combine!r}')
        if self.sigma < 0 or not 0 <= self.top <= 1:
            raise ValueError(
                f"need sigma >= 0 and top in [0, 1], got sigma={self.sigma} and top={self.top}"
            )


class FeatureDistance(nn.Module):
    """Score cosine distances between features of several scales.

    Args:
        sides: of the features, in patches, one a scale.
        image_size: side of the map in pixels.
        scoring: how.
    """

    def __init__(self, sides: Sequence[int], image_size: int, scoring: DistanceScoring) -> None:
        super().__init__()
        self.scoring = scoring
        corners, radius = scoring.align_corners, min(round(4 * scoring.sigma), image_size - 1)
        self.enlarged = nn.ModuleList(
            Enlargement(side, image_size, 0.0, align_corners=corners) for side in sides
        )
        self.smoothed = Enlargement(image_size, image_size, scoring.sigma, radius)

    def forward(self, expected: Sequence[Tensor], found: Sequence[Tensor]) -> Detection:
        """Return the detection of a batch, (B, C_i, side_i, side_i) each, differentiably."""
        maps = self.smoothed(self.combined(expected, found))
        return Detection(highest_mean(maps, self.scoring.top), maps)

    def combined(self, expected: Sequence[Tensor], found: Sequence[Tensor]) -> Tensor:
        """Return the sum or product of the enlarged distances, (B, 1, image_size, image_size)."""
        pairs = zip(self.enlarged, expected, found, strict=True)
        maps = torch.cat([large(cosine_distance(a, b)[:, None]) for large, a, b in pairs], dim=1)
        if self.scoring.combine == "product":
            return maps.prod(1, keepdim=True)
        return maps.sum(1, keepdim=True)
