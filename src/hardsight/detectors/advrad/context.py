"""What an AdvRAD is trained on, and where."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from hardsight.augment import AugmentationPolicy
from hardsight.core.batches import batched
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.advrad.training_images import TrainingImages
from hardsight.detectors.fitted import OpenWork
from hardsight.detectors.held_out import joined
from hardsight.detectors.stages import in_sizes
from hardsight.diffusion import Denoiser
from hardsight.synthesis import Foreground, dilated, find_foreground
from hardsight.training import DenoisingTask, Settings


@dataclass(frozen=True, eq=False)
class TrainingContext:
    """What a detector is trained on, and where."""

    categories: tuple[Tensor, ...]
    """(N, 3, H, W) uint8 training normals of each."""
    normals: Tensor
    """Those of all categories."""
    policies: tuple[AugmentationPolicy, ...]
    """Of each category's images."""
    training: Settings
    work: OpenWork
    half: bool = False
    """Whether images have half the detector's size."""

    @cached_property
    def halved(self) -> "TrainingContext":
        """The same images at half their size, each pixel the mean of four."""
        categories = tuple(_halved(images) for images in self.categories)
        policies = tuple(policy.halved() for policy in self.policies)
        return replace(
            self, categories=categories, normals=joined(categories), policies=policies, half=True
        )

    def sizes(
        self, settings: Settings, stage: str, progressive: float
    ) -> Iterator[tuple["TrainingContext", Settings, str]]:
        """Yield the parts of a training that have steps, with their images, settings and stages.

        Args:
            settings: of the whole.
            stage: of the whole.
            progressive: share of the steps, the first ones, on images of half the size.
        """
        for part in in_sizes(stage, settings.steps, progressive):
            own = settings.model_copy(update={"steps": part.steps})
            yield self.halved if part.half else self, own, part.stage

    def denoiser(self, detector: ErrorDetector) -> Denoiser:
        """Return a detector's denoiser for images of this size."""
        return detector.denoiser.at(detector.image_size // 2) if self.half else detector.denoiser

    def shown(self, detector: ErrorDetector, foreground: Foreground) -> TrainingImages:
        """Return the images as a detector is trained on them, and where the objects lie.

        Args:
            detector: whose tiles are trained on.
            foreground: how objects are found, in each category by itself.
        """
        where = joined([find_foreground(foreground, images) for images in self.categories])
        return TrainingImages(self.normals, dilated(where), self.policies, detector.tile)

    def denoising(self, detector: ErrorDetector) -> DenoisingTask:
        """Return the plain training of a detector's denoiser."""
        return DenoisingTask(
            self.denoiser(detector),
            self.normals,
            self.policies,
            detector.scoring.k,
            detector.tile,
        )


def _halved(images: Tensor) -> Tensor:
    """Return uint8 images (N, C, H, W) at half their size."""
    parts = (functional.avg_pool2d(b.float(), 2).round().byte() for b in batched(images, 64))
    return torch.cat(list(parts))
