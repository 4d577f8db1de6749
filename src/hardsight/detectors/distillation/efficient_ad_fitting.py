"""From normal images to a trained, normalised and calibrated EfficientAD."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from pydantic import Field
from torch import Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.backbones import Backbone
from hardsight.data import AnomalyData
from hardsight.detectors.distillation.description_task import (
    BackboneDescriptions,
    DescriptionTask,
)
from hardsight.detectors.distillation.efficient_ad_task import EfficientADTask, PairDistilled
from hardsight.detectors.distillation.patch_description import PatchDescription
from hardsight.detectors.distillation.photographs import photographs
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.fitting import Trainable, fit_calibrated
from hardsight.detectors.method import FitConfig
from hardsight.training import Settings

TEACHER = "teacher"
"""Stage in which the teacher is trained."""
TEACHING = 0.22
"""Cost of an image in it, beside one in the training of student and autoencoder: as measured."""


class EfficientADFit(FitConfig):
    """Configure a fit of EfficientAD."""

    teaching: Settings = Field(default_factory=Settings)
    """How the teacher is trained, before ``training`` of student and autoencoder."""
    hard_quantile: float = Field(0.999, ge=0, lt=1)
    """Quantile of the student's errors from which they count, see ``hard_feature_loss``. With the
    paper's a student learns little in a thousand steps."""

    @property
    def splits_validation(self) -> bool:
        """The other half normalises the maps."""
        return True

    @property
    def stages(self) -> Mapping[str, float | None]:
        """The teacher's training, then that of the student, by the images that they see."""
        first, second = (s.steps * s.batch_size for s in (self.teaching, self.training))
        return {TEACHER: TEACHING * first, "train": second}


class TeachingDetector(Trainable, PairDistilled, Protocol):
    """An EfficientAD, by what its fit needs of it."""

    @property
    def teacher(self) -> PatchDescription:
        """Small and fast."""

    def backbone(self) -> Backbone:
        """Return what the teacher learns from, without its pretrained weights."""

    def standardise(self, normals: Tensor) -> None:
        """Measure the teacher's channels on normal images, in place."""

    def normalise(self, normals: Tensor) -> None:
        """Measure quantiles of the maps on held-out normal images, in place."""


T = TypeVar("T", bound=TeachingDetector)


def fit_efficient_ad(
    detector: T, data: AnomalyData, config: EfficientADFit, work: Work
) -> Fitted[T]:
    """Distil the teacher, train student and autoencoder, normalise the maps, and calibrate.

    Of the held-out normals every other one normalises the maps, and the rest calibrate.

    Args:
        detector: left as it is.
        data: at the detector's size.
        config: how.
        work: where.

    Raises:
        BackboneError: the backbone's weights cannot be had.
        KeyboardInterrupt, ValueError: see ``fit_calibrated``.
    """
    held_out = data.validation
    normalising, calibrating = (held_out.of(held_out.samples[i::2]) for i in (0, 1))

    def train(found: T, normals: Tensor, opened: OpenWork) -> None:
        policy, pictures = AugmentationPolicy.of(normals, config.augment), photographs()
        where = found.prepare(normals[:1]).device
        expected = BackboneDescriptions(found.backbone().pretrained().to(where), normals)
        teaching = DescriptionTask(found.teacher, expected, normals, policy, pictures)
        opened.train(teaching, config.teaching, TEACHER)
        found.teacher.requires_grad_(False)
        found.standardise(normals)
        task = EfficientADTask(found, normals, policy, pictures, config.hard_quantile)
        opened.train(task, config.training)
        found.eval()
        found.normalise(normalising.images())

    return fit_calibrated(detector, replace(data, validation=calibrating), config, work, train)
