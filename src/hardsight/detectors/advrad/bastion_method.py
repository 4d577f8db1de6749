"""Bastion as a registered method."""

from pydantic import Field

from hardsight.detectors.advrad.bastion import Bastion
from hardsight.detectors.advrad.map_head_training import HeadTraining
from hardsight.detectors.advrad.method import AdvRADFit
from hardsight.detectors.method import Method


class BastionFit(AdvRADFit):
    """Configure a fit of Bastion."""

    head_training: HeadTraining = Field(default_factory=HeadTraining)
    """How the head is trained."""


METHOD = Method(
    name="bastion",
    detector=Bastion,
    summary="AdvRAD whose map is that of a head, trained against attacks on it.",
    preset="hardsight",
    config=BastionFit,
)
