"""From normal images to a trained and calibrated ReContrast."""

from typing import Protocol, TypeVar

from pydantic import Field

from hardsight.data import AnomalyData
from hardsight.detectors.distillation.cross_reconstruction import CrossReconstruction
from hardsight.detectors.distillation.fitting import Mined, MinedFit, fit_student
from hardsight.detectors.fitted import Fitted, Work
from hardsight.training import Settings

ENCODER_SHARE = 0.005
"""Share of the learning rate that the encoder has: 1e-5 beside 2e-3 (ReContrast, section 4)."""


class ReContrastFit(MinedFit):
    """Configure a fit of ReContrast."""

    training: Settings = Field(
        default_factory=lambda: Settings(lr_shares={"encoder": ENCODER_SHARE})
    )


class ContrastingDetector(Mined, Protocol):
    """A ReContrast, by what its fit needs of it."""

    @property
    def student(self) -> CrossReconstruction:
        """All that is trained."""


C = TypeVar("C", bound=ContrastingDetector)


def fit_recontrast(detector: C, data: AnomalyData, config: ReContrastFit, work: Work) -> Fitted[C]:
    """Start both encoders from the pretrained weights, train one, and calibrate the threshold.

    Args, Raises: see ``fit_student``.
    """

    def start(found: C) -> None:
        found.student.encoder.load_state_dict(found.teacher.state_dict())
        found.mine_over(config.mining_steps)

    return fit_student(detector, data, config, work, start)
