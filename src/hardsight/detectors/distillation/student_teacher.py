"""What all detectors that compare a student with a teacher share."""

from abc import abstractmethod
from typing import cast

from torch import Tensor, nn

from hardsight.backbones import Backbone
from hardsight.core.types import Detection
from hardsight.detectors.distillation.distances import FeatureDistance
from hardsight.detectors.distillation.mining import HardMining
from hardsight.detectors.saved import SavedDetector


class StudentTeacher(SavedDetector):
    """A detector that scores images by what a student does not find of a teacher's features."""

    exportable = True
    teacher: Backbone
    """Frozen."""
    student: nn.Module
    """All that is trained."""
    distance: FeatureDistance

    @abstractmethod
    def features(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return what is expected of a batch, fine to coarse, and what the student finds of it."""

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch by its map, see ``DistanceScoring``.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        found: Detection = self.distance(*self.features(images))
        return found


class MinedStudentTeacher(StudentTeacher):
    """A detector whose student holds the loss that trains it."""

    @property
    def mining(self) -> HardMining:
        """The student's loss."""
        return cast(HardMining, self.student.mining)

    def loss(self, images: Tensor) -> Tensor:
        """Return the mined distance of normal images; see ``HardMining``."""
        found: Tensor = self.mining(*self.features(images))
        return found

    def mine_over(self, steps: int) -> None:
        """Let the loss leave alone the most after so many steps of the training, in place."""
        self.mining.warm_up = steps
