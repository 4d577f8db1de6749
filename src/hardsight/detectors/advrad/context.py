"""What an AdvRAD is trained on, and where."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from hardsight.augment import AugmentationPolicy, TrainingImages
from hardsight.core.batches import batched
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.advrad.tiling import shrunk
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
    """Augmentation policy of each category's images."""
    training: Settings
    work: OpenWork
    factor: int = 1
    """How many times smaller than the detector's the images are."""

    def shrunk(self, factor: int) -> "TrainingContext":
        """Return the same images, ``factor`` times smaller, each pixel the mean of those it was."""
        categories = tuple(_shrunk(images, factor) for images in self.categories)
        return replace(
            self,
            categories=categories,
            normals=joined(categories),
            policies=tuple(policy.shrunk(factor) for policy in self.policies),
            factor=self.factor * factor,
        )

    @cached_property
    def halved(self) -> "TrainingContext":
        """The same images at half their size."""
        return self.shrunk(2)

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
        if self.factor == 1:
            return detector.denoiser
        return detector.denoiser.at(detector.image_size // self.factor)

    def images(
        self, detector: ErrorDetector, foreground: Foreground | None = None
    ) -> TrainingImages:
        """Return the images as a detector is trained on them.

        Args:
            detector: whose tiles are trained on, and the whole pictures if it looks at them too.
            foreground: how objects are found, in each category by itself, where anomalies are to be
                made; None: none are made.
        """
        whole, tiling = self._whole(foreground), detector.tiling
        if tiling is None:
            return whole
        factor = tiling.shrinkage(detector.image_size)
        small = self.shrunk(factor)._whole(foreground) if factor else None
        return replace(whole, crop=tiling.tile, shrunk=small)

    def _whole(self, foreground: Foreground | None) -> TrainingImages:
        where = None
        if foreground is not None:
            where = dilated(joined([find_foreground(foreground, c) for c in self.categories]))
        return TrainingImages(self.normals, self.policies, where)

    def denoising(self, detector: ErrorDetector) -> DenoisingTask:
        """Return the plain training of a detector's denoiser."""
        return DenoisingTask(self.denoiser(detector), self.images(detector), detector.scoring.k)


def _shrunk(images: Tensor, factor: int) -> Tensor:
    """Return uint8 images (N, C, H, W) ``factor`` times smaller."""
    parts = (shrunk(b.float(), factor).round().byte() for b in batched(images, 64))
    return torch.cat(list(parts))
