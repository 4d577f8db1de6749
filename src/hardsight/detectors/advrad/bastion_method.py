"""Bastion as a registered method."""

from hardsight.detectors.advrad.bastion import Bastion
from hardsight.detectors.advrad.bastion_fitting import fit_bastion
from hardsight.detectors.advrad.recipe import BastionFit
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="bastion",
    detector=Bastion,
    summary="AdvRAD whose map is that of a head, trained against attacks on it.",
    preset="hardsight",
    fit=fit_bastion,
    config=BastionFit,
    strength="strongest under attack, scores and maps",
    seconds=Seconds(fit=57 * 60, image=0.1),
)
