"""PatchGuard as a registered method."""

from hardsight.detectors.method import Method, Seconds
from hardsight.detectors.patchguard.detector import PatchGuard
from hardsight.detectors.patchguard.fitting import fit_patchguard
from hardsight.detectors.patchguard.recipe import PatchGuardFit

METHOD = Method(
    name="patchguard",
    detector=PatchGuard,
    summary="Judge every patch by a ViT trained on clean and attacked pseudo-anomalies.",
    preset="patchguard",
    fit=fit_patchguard,
    config=PatchGuardFit,
    strength="maps under attack, without a diffusion model",
    seconds=Seconds(fit=80 * 60, image=0.02),
)
