"""What a fit needs of a detector with a flow."""

from typing import Protocol, TypeVar

import torch

from hardsight.backbones import Backbone
from hardsight.detectors.fitting import Trainable
from hardsight.detectors.flows.density import Density


class FlowDetector(Trainable, Protocol):
    """A detector that scores the density of features, see ``Detector`` and ``FastFlow``."""

    backbone: Backbone

    @property
    def density(self) -> Density:
        """What is trained."""

    @property
    def device(self) -> torch.device:
        """Where the detector computes."""


F = TypeVar("F", bound=FlowDetector)
