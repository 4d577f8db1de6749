"""ReContrast: reconstruct the features of two encoders, of which one adapts to the domain."""

from typing import Any, Self

import torch
from torch import Tensor

from hardsight.backbones import build_backbone
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.data import AnomalyData
from hardsight.detectors.distillation.cross_reconstruction import CrossReconstruction
from hardsight.detectors.distillation.distances import DistanceScoring, FeatureDistance
from hardsight.detectors.distillation.recontrast_fitting import ReContrastFit, fit_recontrast
from hardsight.detectors.distillation.student_teacher import MinedStudentTeacher
from hardsight.detectors.distillation.teacher import TAPS, level_sides
from hardsight.detectors.fitted import Work


class ReContrast(MinedStudentTeacher):
    """Score where features of a frozen and of an adapted encoder are not found (Guo et al., 2023).

    The adapted encoder starts from the frozen one's weights. With an adversarially trained
    backbone, given by the path of its weights, it is the robust variant of PatchGuard's supplement
    E. Deterministic: there is no noise. The defaults are those of the preset ``recontrast``.

    Args:
        backbone: both encoders, arguments of ``hardsight.backbones.Backbone``.
        image_size: height and width in pixels, a multiple of twice the largest stride.
        blocks: residual blocks of the bottleneck, and of the decoder at each scale.
        sigma: of the map, see ``DistanceScoring``.
        precision: "bf16" runs the networks under bfloat16 autocast, trained ones too, "fp32" does
            not, "auto" does where this machine gains by it.
        seed: of the first weights.
    """

    paper = "ReContrast"
    student: CrossReconstruction

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        blocks: int = 2,
        sigma: float = 4.0,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.image_size, self.precision = image_size, precision
        self.teacher, encoder = (
            build_backbone(backbone, taps=TAPS, precision=precision) for _ in range(2)
        )
        with seeded(seed):
            self.student = CrossReconstruction(encoder, blocks)
        self.student.to(memory_format=torch.channels_last)
        sides = level_sides(self.teacher, image_size, divisor=2)
        self.distance = FeatureDistance(2 * sides, image_size, DistanceScoring(sigma=sigma))

    def features(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the features of the frozen and the adapted encoder, and what is found of them."""
        frozen, trained = self.teacher(images), self.student.encoder(images)
        with autocast(self.precision, images.device):
            found = self.student(frozen, trained)
        return frozen + trained, [level.to(images.dtype) for level in found]

    def fit(
        self, data: AnomalyData, config: ReContrastFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_recontrast``."""
        return fit_recontrast(self, data, config or ReContrastFit(), work or Work()).detector
