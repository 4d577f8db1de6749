"""From normal images to a trained and calibrated student of a pretrained teacher."""

from typing import TypeVar

from torch import Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.data import AnomalyData
from hardsight.detectors.distillation.task import DistillationTask, Distilled
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.fitting import fit_calibrated
from hardsight.detectors.method import FitConfig

S = TypeVar("S", bound=Distilled)


def fit_student(detector: S, data: AnomalyData, config: FitConfig, work: Work) -> Fitted[S]:
    """Load the teacher's pretrained weights, train the student, and calibrate the threshold.

    Only ``data.train`` and ``data.validation`` are used.

    Args:
        detector: left as it is.
        data: at the detector's size.
        config: how.
        work: where.

    Raises:
        BackboneError: there are no such weights.
        KeyboardInterrupt, ValueError: see ``fit_calibrated``.
    """

    def train(found: S, normals: Tensor, opened: OpenWork) -> None:
        found.teacher = found.teacher.pretrained()
        policy = AugmentationPolicy.of(normals, config.augment)
        opened.train(DistillationTask(found, normals, policy), config.training)

    return fit_calibrated(detector, data, config, work, train)
