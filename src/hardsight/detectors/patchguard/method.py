"""PatchGuard as a registered method."""

from typing import Literal

from pydantic import Field

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


METHOD = Method(
    name="patchguard",
    detector=PatchGuard,
    summary="Judge every patch by a ViT trained on clean and attacked pseudo-anomalies.",
    preset="patchguard",
    config=PatchGuardFit,
)
