"""What a fit needs of a detector with a flow."""

from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor

from hardsight.backbones import Backbone
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.flows.density import Density
from hardsight.detectors.inputs import Images


class FlowDetector(Protocol):
    """A detector that scores the density of features, see ``Detector`` and ``FastFlow``."""

    backbone: Backbone

    @property
    def density(self) -> Density:
        """What is trained."""

    @property
    def device(self) -> torch.device:
        """Where the detector computes."""

    def prepare(self, images: Tensor) -> Tensor:
        """Return stored images as the detector takes them."""

    def calibrate(self, normals: Images, level: float | None = None) -> Self:
        """Return this detector with a threshold from held-out normal images."""

    def demand_calibration(self) -> Calibration:
        """Return the threshold."""

    def eval(self) -> Any:
        """Switch to scoring."""


F = TypeVar("F", bound=FlowDetector)
