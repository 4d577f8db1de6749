"""How AdvRAD scores: the settings as a value, and what errors are compared with."""

import re
from dataclasses import dataclass, fields
from typing import ClassVar, get_args

import torch
from pydantic import ConfigDict
from torch import Tensor

from hardsight.core.batches import batched
from hardsight.core.types import Detection
from hardsight.detectors.advrad.maps import (
    Average,
    Reference,
    aggregate,
    error_over_draws,
    relate,
    top_count,
)
from hardsight.detectors.mean_filter import demand_filter, inner_mean_filter, mean_filter

SHARE = re.compile(r"(?P<share>\d*\.?\d+)? ?k")
"""Denoising steps as a share of k: "0.25 k", or "k"."""


@dataclass(frozen=True, eq=False)
class ReferenceStatistics:
    """Mean and spread of the filtered errors of normal images, (1, 1, H, W) each."""

    mean: Tensor
    spread: Tensor

    @classmethod
    def none(cls, size: int) -> "ReferenceStatistics":
        """Return those of no images, of ``size`` x ``size`` pixels: an error is compared with 0."""
        return cls(torch.zeros(1, 1, size, size), torch.ones(1, 1, size, size))

    @classmethod
    def of(cls, errors: Tensor, filter_size: int) -> "ReferenceStatistics":
        """Measure them on unfiltered error maps of normal images (Algorithm 4, line 7).

        Args:
            errors: (N, 1, H, W), N >= 2.
            filter_size: side of the mean filter in pixels, odd.
        """
        if len(errors) < 2:
            raise ValueError(f"a spread needs at least 2 normal images, got {len(errors)}")
        maps = torch.cat([mean_filter(part, filter_size) for part in batched(errors, 64)])
        return cls(maps.mean(0, keepdim=True), maps.std(0, keepdim=True))


@dataclass(frozen=True)
class Scoring:
    """From images and reconstructions to scores (FreeRAD, Algorithm 4).

    The defaults are those of the preset ``advrad``.

    Raises:
        ValueError: a value out of its range.
    """

    k: int = 100
    """Diffusion step at which the image is reconstructed, 1-based."""
    shots: int | str = 1
    """Denoising steps of a reconstruction: 1 is one-shot (Algorithm 2), k is full-shot
    (Algorithm 1), anything between evenly spaced (Algorithm 3); or as a share of k: "0.25 k", "k"
    (FreeRAD, Table 10)."""
    draws: int = 2
    """Noise draws averaged in one score."""
    average: Average = "error"
    """What the draws average: the "error" maps, or the "reconstruction" before its error."""
    margin: float = 0.0
    """Contrast in [0, 1] that an error must exceed to count, see ``multiscale_error``."""
    filter_size: int = 21
    """Side of the mean filter in pixels, odd."""
    reference: Reference = "standardised"
    """What an error is compared with; see ``relate``."""
    aggregation: str = "top:0.015"
    """"max" (Algorithm 4), "mean" or "top:F", the mean of a fraction F of the pixels."""
    map_filter_size: int = 1
    """Side of a second mean filter, odd, of the map alone; 1: none (the papers)."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= self.k:
            raise ValueError(f"need 1 <= shots <= k, got shots={self.shots}, k={self.k}")
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, got {self.draws}")
        for name, choices in (("average", get_args(Average)), ("reference", get_args(Reference))):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is not known; choose from {', '.join(choices)}"
                )
        if not 0 <= self.margin <= 1:
            raise ValueError(f"margin must be in [0, 1], got {self.margin}")
        demand_filter(self.filter_size)
        demand_filter(self.map_filter_size)
        top_count(self.aggregation, 1)

    @property
    def steps(self) -> int:
        """``shots`` as a number: a share of k rounded, at least one."""
        if isinstance(self.shots, int):
            return self.shots
        found = SHARE.fullmatch(self.shots)
        if found is None:
            raise ValueError(
                f'shots={self.shots!r} is neither a number of steps nor a share of k, as "0.25 k"'
            )
        return max(1, round(float(found["share"] or 1) * self.k))

    def refers_like(self, other: "Scoring") -> bool:
        """Return whether both compare errors with the same reference statistics, or with none."""
        free = {"reference", "aggregation", "map_filter_size"}
        names = {f.name for f in fields(self)} - free
        return self.reference == "error" or all(
            getattr(self, n) == getattr(other, n) for n in names
        )

    def compare(self, images: Tensor, r: Tensor) -> Tensor:
        """Return the unfiltered error maps of images beside their reconstructions.

        Shape:
            images (B, C, H, W) in [0, 1], r (B, draws, C, H, W) -> (B, 1, H, W).
        """
        return error_over_draws(images, r, self.average, self.margin)

    def related(self, errors: Tensor, statistics: ReferenceStatistics) -> Tensor:
        """Return the maps that a score is taken from, (B, 1, H, W), of unfiltered errors."""
        maps = mean_filter(errors, self.filter_size)
        return relate(maps, statistics.mean, statistics.spread, self.reference)

    def detect(self, errors: Tensor, statistics: ReferenceStatistics) -> Detection:
        """Score unfiltered error maps, (B, 1, H, W)."""
        maps = self.related(errors, statistics)
        return Detection(
            aggregate(maps, self.aggregation), inner_mean_filter(maps, self.map_filter_size)
        )
