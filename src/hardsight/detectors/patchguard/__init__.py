"""PatchGuard: an adversarially trained vision transformer that detects and localises."""

from hardsight.detectors.patchguard.attention import (
    REGULARISERS,
    attention_degree,
    soft_degree,
)
from hardsight.detectors.patchguard.detector import PatchGuard
from hardsight.detectors.patchguard.networks import NETWORKS
from hardsight.detectors.patchguard.objective import PatchObjective, cell_labels
from hardsight.detectors.patchguard.recipe import (
    Adversary,
    PatchGuardFit,
    Recipe,
    Regularisation,
)
from hardsight.detectors.patchguard.scoring import PatchScoring
from hardsight.detectors.patchguard.selection import CheckpointChoice
from hardsight.detectors.patchguard.task import PatchTask

__all__ = [
    "NETWORKS",
    "REGULARISERS",
    "Adversary",
    "CheckpointChoice",
    "PatchGuard",
    "PatchGuardFit",
    "PatchObjective",
    "PatchScoring",
    "PatchTask",
    "Recipe",
    "Regularisation",
    "attention_degree",
    "cell_labels",
    "soft_degree",
]
