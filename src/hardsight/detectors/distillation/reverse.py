"""Reverse Distillation: a decoder finds the teacher's features again through a bottleneck."""

from typing import Any, Self

import torch
from torch import Tensor, nn

from hardsight.backbones import build_backbone
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.data import AnomalyData
from hardsight.detectors.distillation.bottleneck import Bottleneck
from hardsight.detectors.distillation.decoder import Decoder, OutputConvolutions
from hardsight.detectors.distillation.distances import (
    Combination,
    DistanceScoring,
    FeatureDistance,
    cosine_distance,
)
from hardsight.detectors.distillation.fitting import fit_student
from hardsight.detectors.distillation.student_teacher import StudentTeacher
from hardsight.detectors.distillation.teacher import TAPS, level_sides
from hardsight.detectors.fitted import Work
from hardsight.detectors.method import FitConfig


class ReverseDistillation(StudentTeacher):
    """Score where a decoder does not find a teacher's features again (Deng & Li, 2022).

    The decoder sees them through a bottleneck that learnt normal images alone. It ends in a linear
    layer a scale, which the paper has not: the bundled backbone's features may be below 0.
    Deterministic: there is no noise. The defaults are those of the preset ``reverse-distillation``.

    Args:
        backbone: the teacher, arguments of ``hardsight.backbones.Backbone``.
        image_size: height and width in pixels, a multiple of twice the largest stride.
        blocks: residual blocks of the bottleneck, and of the decoder at each scale.
        combine: of the scales, see ``DistanceScoring``.
        sigma: of the map, see ``DistanceScoring``.
        precision: "bf16" runs the networks under bfloat16 autocast, trained ones too, "fp32" does
            not, "auto" does where this machine gains by it.
        seed: of the first weights.
    """

    paper = "Reverse Distillation"

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        blocks: int = 2,
        combine: Combination = "sum",
        sigma: float = 4.0,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.image_size, self.precision = image_size, precision
        self.teacher = build_backbone(backbone, taps=TAPS, precision=precision)
        channels, strides = self.teacher.channels, self.teacher.strides
        with seeded(seed):
            self.student = nn.Sequential(
                Bottleneck(channels, strides, blocks),
                Decoder(channels, strides, blocks),
                OutputConvolutions(channels),
            ).to(memory_format=torch.channels_last)
        sides = level_sides(self.teacher, image_size, divisor=2)
        self.distance = FeatureDistance(sides, image_size, DistanceScoring(combine, sigma))

    def features(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the teacher's features of a batch, and the decoder's, fine to coarse."""
        expected = self.teacher(images)
        with autocast(self.precision, images.device):
            found = self.student(expected)
        return expected, [level.to(images.dtype) for level in found]

    def loss(self, images: Tensor) -> Tensor:
        """Return the distances of normal images, each scale as one vector, summed over the scales.

        As the authors' code has it; eq. 2 takes each place as a vector.
        """
        pairs = zip(*self.features(images), strict=True)
        found = [cosine_distance(a.flatten(1), b.flatten(1)).mean() for a, b in pairs]
        return torch.stack(found).sum()

    def fit(
        self, data: AnomalyData, config: FitConfig | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_student``."""
        return fit_student(self, data, config or FitConfig(), work or Work()).detector
