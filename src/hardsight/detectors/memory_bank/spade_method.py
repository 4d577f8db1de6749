"""SPADE as a registered method."""

from hardsight.detectors.memory_bank.fitting import BankFit
from hardsight.detectors.memory_bank.spade import SPADE, fit_spade
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="spade",
    detector=SPADE,
    summary="Compare an image with the most similar normal ones, patch by patch.",
    preset="spade",
    fit=fit_spade,
    config=BankFit,
    strength="a baseline of FreeRAD; maps without training",
    seconds=Seconds(fit=10, image=0.055),
)
