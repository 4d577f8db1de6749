"""What an AdvRAD is trained on, and where."""

from dataclasses import dataclass

from torch import Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.advrad.training_images import TrainingImages
from hardsight.detectors.fitted import OpenWork
from hardsight.detectors.held_out import joined
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
            detector.denoiser, self.normals, self.policies, detector.scoring.k, detector.tile
        )
