"""What an AdvRAD is trained on, and where."""

from dataclasses import dataclass

from torch import Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.fitted import OpenWork
from hardsight.detectors.held_out import joined
from hardsight.synthesis import Foreground, find_foreground
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

    def foreground(self, method: Foreground) -> Tensor:
        """Find where the objects lie, (N, 1, H, W) bool, for each category by itself."""
        return joined([find_foreground(method, images) for images in self.categories])

    def denoising(self, detector: ErrorDetector) -> DenoisingTask:
        """Return the plain training of a detector's denoiser."""
        return DenoisingTask(
            detector.denoiser, self.normals, self.policies, detector.scoring.k, detector.tile
        )
