"""Bastion as a registered method."""

from typing import Any

from pydantic import Field

from hardsight.detectors.advrad.bastion import Bastion
from hardsight.detectors.advrad.map_head_training import HeadTraining
from hardsight.detectors.advrad.method import AdvRADFit
from hardsight.detectors.method import Method


class BastionFit(AdvRADFit):
    """Configure a fit of Bastion."""

    map_head_training: HeadTraining = Field(default_factory=HeadTraining)
    """How the head is trained."""

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of the detector's ``fit``."""
        found = super().options
        return found | {"head_training": found.pop("map_head_training")}


METHOD = Method(
    name="bastion",
    detector=Bastion,
    summary="AdvRAD whose map is that of a head, trained against attacks on it.",
    preset="hardsight",
    config=BastionFit,
)
