"""The task of training EfficientAD's student and autoencoder."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Generator, Tensor, nn

from hardsight.augment import AugmentationPolicy
from hardsight.detectors.distillation.photographs import random_crops
from hardsight.synthesis.shapes import uniform


class PairDistilled(Protocol):
    """A detector whose student is trained on images, recoloured ones, and others to keep off."""

    @property
    def student(self) -> nn.Module:
        """All that is trained."""

    def to(self, device: torch.device) -> Any:
        """Move all parts to a device, in place."""

    def loss(
        self, images: Tensor, recoloured: Tensor, others: Tensor, hard_quantile: float = 0.999
    ) -> Tensor:
        """Return the mean loss of batches (B, 3, H, W) in [0, 1], a scalar."""


class EfficientADTask:
    """Draws normal images, changes their light or colour, and draws photographs.

    Args:
        detector: whose student is trained.
        images: (N, 3, H, W) uint8, normal.
        policy: how they are changed beforehand.
        pictures: (3, h, w) uint8 each, see ``photographs``.
        hard_quantile: see ``hard_feature_loss``.
    """

    def __init__(
        self,
        detector: PairDistilled,
        images: Tensor,
        policy: AugmentationPolicy,
        pictures: Sequence[Tensor],
        hard_quantile: float = 0.999,
    ) -> None:
        self.module, self.hard_quantile = detector.student, hard_quantile
        self.detector, self.images, self.policy = detector, images, policy
        self.pictures = tuple(pictures)

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw images, the same recoloured, and photographs: (B, 3, H, W) uint8 each."""
        (images,) = self.policy.drawn(size, generator, self.images)
        others = random_crops(self.pictures, size, images.shape[-1], generator)
        return images, recoloured(images, generator), others

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        self.detector.to(batch[0].device)
        images, changed, others = (part.float() / 255 for part in batch)
        return self.detector.loss(images, changed, others, self.hard_quantile)


def recoloured(images: Tensor, generator: Generator) -> Tensor:
    """Change brightness, contrast or saturation of each by up to a fifth (B, 3, H, W) uint8."""
    from torchvision.transforms import functional  # slow: not before a training

    changes = (
        functional.adjust_brightness,
        functional.adjust_contrast,
        functional.adjust_saturation,
    )
    which = torch.randint(len(changes), (len(images),), generator=generator).tolist()
    pairs = zip(images, which, strict=True)
    return torch.stack([changes[i](image, uniform(generator, 0.8, 1.2)) for image, i in pairs])
