"""The task of training a student to find what its teacher finds in normal images."""

from typing import Protocol

from torch import Generator, Tensor, nn

from hardsight.augment import AugmentationPolicy
from hardsight.backbones import Backbone
from hardsight.detectors.fitting import Trainable


class Distilled(Trainable, Protocol):
    """A detector that compares a student with a teacher."""

    teacher: Backbone
    """Frozen."""

    @property
    def student(self) -> nn.Module:
        """All that is trained."""

    def loss(self, images: Tensor) -> Tensor:
        """Return the mean loss of normal images (B, 3, H, W) in [0, 1], a scalar."""


class DistillationTask:
    """Draws normal images; the loss is the detector's own.

    Args:
        detector: whose student is trained.
        images: (N, 3, H, W) uint8, normal.
        policy: how they are changed.
    """

    def __init__(self, detector: Distilled, images: Tensor, policy: AugmentationPolicy) -> None:
        self.module = detector.student
        self.detector, self.images, self.policy = detector, images, policy

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw images (B, 3, H, W) uint8."""
        return self.policy.drawn(size, generator, self.images)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        (images,) = batch
        self.detector.to(images.device)
        return self.detector.loss(images.float() / 255)
