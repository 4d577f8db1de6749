"""PatchCore as a registered method."""

from hardsight.detectors.memory_bank.patchcore import PatchCore
from hardsight.detectors.memory_bank.patchcore_fitting import CoresetFit, fit_patchcore
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="patchcore",
    detector=PatchCore,
    summary="Compare every patch with a coreset of normal ones, in pretrained features.",
    preset="patchcore",
    fit=fit_patchcore,
    config=CoresetFit,
    strength="strongest when nobody attacks, fitted in a minute",
    seconds=Seconds(fit=15, image=0.035),
)
