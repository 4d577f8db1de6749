"""STFPM: a student of the teacher's own architecture, on a pyramid of features."""

from typing import Any, Self

import torch
from torch import Tensor

from hardsight.backbones import Backbone, build_backbone
from hardsight.core.precision import Choice
from hardsight.data import AnomalyData
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


class STFPM(StudentTeacher):
    """Score where a student from a random start differs from its teacher (Wang et al., 2021).

    Deterministic: there is no noise. The defaults are those of the preset ``stfpm``.

    Args:
        backbone: the teacher, arguments of ``hardsight.backbones.Backbone``; the student is the
            same network. Other networks than the default need ``taps`` of their own.
        image_size: height and width in pixels, a multiple of the largest stride.
        combine: of the scales, see ``DistanceScoring``; the paper multiplies.
        sigma: of the map, see ``DistanceScoring``; the paper has none.
        precision: "bf16" runs the networks under bfloat16 autocast, trained ones too, "fp32" does
            not, "auto" does where this machine gains by it.
        seed: of the student's first weights.
    """

    paper = "STFPM"
    student: Backbone

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        combine: Combination = "product",
        sigma: float = 0.0,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.image_size, self.precision = image_size, precision
        self.teacher = build_backbone(backbone, taps=TAPS, precision=precision)
        random = {"weights": "random", "seed": seed + 1}  # a random teacher has the seed 0
        self.student = build_backbone((backbone or {}) | random, taps=TAPS, precision=precision)
        self.student.trainable = True
        self.student.requires_grad_(True)
        scoring = DistanceScoring(combine, sigma, align_corners=False)
        self.distance = FeatureDistance(level_sides(self.teacher, image_size), image_size, scoring)

    def features(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the features of both networks, fine to coarse."""
        return self.teacher(images), self.student(images)

    def loss(self, images: Tensor) -> Tensor:
        """Return the distances of normal images, their mean over places, summed over the scales.

        Half the squared distance of unit vectors (eq. 1 to 3).
        """
        pairs = zip(*self.features(images), strict=True)
        return torch.stack([cosine_distance(a, b).mean() for a, b in pairs]).sum()

    def fit(
        self, data: AnomalyData, config: FitConfig | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_student``."""
        return fit_student(self, data, config or FitConfig(), work or Work()).detector
