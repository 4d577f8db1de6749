"""PaDiM as a registered method."""

from hardsight.detectors.memory_bank.fitting import BankFit
from hardsight.detectors.memory_bank.padim import PaDiM, fit_padim
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="padim",
    detector=PaDiM,
    summary="Compare every patch with a Gaussian of normal ones at its place.",
    preset="padim",
    fit=fit_padim,
    config=BankFit,
    strength="objects that always lie alike; the fastest to score",
    seconds=Seconds(fit=10, image=0.025),
)
