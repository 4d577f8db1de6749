"""PatchGuard as a registered method."""

import copy
from typing import Literal

from pydantic import Field

from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Fitted, Work
from hardsight.detectors.method import FitConfig, Method
from hardsight.detectors.patchguard.detector import PatchGuard
from hardsight.detectors.patchguard.recipe import Recipe
from hardsight.detectors.patchguard.selection import CheckpointChoice


class PatchGuardFit(FitConfig):
    """Configure a fit of PatchGuard."""

    selection: CheckpointChoice | None = None
    """Choose among the last checkpoints on validation data; None keeps the last, averaged."""
    augment: Literal["auto", "none"] = "none"
    """Flips and turns of training images: those the normal images show themselves, or none."""
    recipe: Recipe = Field(default_factory=Recipe)
    """Adversary, regulariser and pseudo-anomalies of the training."""


def fit(
    detector: PatchGuard, data: AnomalyData, config: PatchGuardFit, work: Work
) -> Fitted[PatchGuard]:
    """Fit PatchGuard to normal images."""
    found = copy.deepcopy(detector).fit(
        data,
        config.training,
        config.selection,
        recipe=config.recipe,
        augment=config.augment,
        false_alarms=config.false_alarms,
        folder=work.folder,
        resume=work.resume,
        progress=work.progress,
    )
    return Fitted(found, found.demand_calibration(), found.report)


METHOD = Method(
    name="patchguard",
    detector=PatchGuard,
    summary="Judge every patch by a ViT trained on clean and attacked pseudo-anomalies.",
    preset="patchguard",
    fit=fit,
    config=PatchGuardFit,
)
