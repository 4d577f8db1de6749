"""From normal images to a trained and calibrated student of a pretrained teacher."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from pydantic import Field
from torch import Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.data import AnomalyData
from hardsight.detectors.distillation.task import DistillationTask, Distilled
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.fitting import fit_calibrated
from hardsight.detectors.method import FitConfig

S = TypeVar("S", bound=Distilled)


def fit_student(
    detector: S,
    data: AnomalyData,
    config: FitConfig,
    work: Work,
    start: Callable[[S], None] = lambda found: None,
) -> Fitted[S]:
    """Load the teacher's pretrained weights, train the student, and calibrate the threshold.

    Only ``data.train`` and ``data.validation`` are used.

    Args:
        detector: left as it is.
        data: at the detector's size.
        config: how.
        work: where.
        start: changes the detector in place before the training, its teacher pretrained.

    Raises:
        BackboneError: there are no such weights.
        KeyboardInterrupt, ValueError: see ``fit_calibrated``.
    """

    def train(found: S, normals: Tensor, opened: OpenWork) -> None:
        found.teacher = found.teacher.pretrained()
        start(found)
        policy = AugmentationPolicy.of(normals, config.augment)
        opened.train(DistillationTask(found, normals, policy), config.training)

    return fit_calibrated(detector, data, config, work, train)


class MinedFit(FitConfig):
    """Configure a fit whose loss leaves alone what is found well already."""

    mined_after: float = Field(0.1, gt=0, le=1)
    """Share of the steps after which the most is left alone, see ``HardMining``."""

    @property
    def mining_steps(self) -> int:
        """Steps after which the most is left alone."""
        return max(1, round(self.mined_after * self.training.steps))


class Mined(Distilled, Protocol):
    """A detector whose student has a mined loss."""

    def mine_over(self, steps: int) -> None:
        """Let the loss leave alone the most after so many steps of the training, in place."""


M = TypeVar("M", bound=Mined)


def fit_mined_student(detector: M, data: AnomalyData, config: MinedFit, work: Work) -> Fitted[M]:
    """Fit as ``fit_student`` does, with the mining paced by the steps.

    Args, Raises: see ``fit_student``.
    """

    def start(found: M) -> None:
        found.mine_over(config.mining_steps)

    return fit_student(detector, data, config, work, start)
