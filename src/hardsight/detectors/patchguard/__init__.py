"""PatchGuard: an adversarially trained vision transformer that detects and localises."""

from hardsight.detectors.patchguard.attention import (
    REGULARISERS,
    attention_degree,
    attention_weights,
    soft_degree,
)
from hardsight.detectors.patchguard.detector import PatchGuard
from hardsight.detectors.patchguard.networks import NETWORKS
from hardsight.detectors.patchguard.objective import PatchObjective, cell_labels
from hardsight.detectors.patchguard.recipe import Adversary, Recipe, Regularisation
from hardsight.detectors.patchguard.selection import CheckpointChoice
from hardsight.detectors.patchguard.task import PatchTask

__all__ = [
    "NETWORKS",
    "REGULARISERS",
    "Adversary",
    "CheckpointChoice",
    "PatchGuard",
    "PatchObjective",
    "PatchTask",
    "Recipe",
    "Regularisation",
    "attention_degree",
    "attention_weights",
    "cell_labels",
    "soft_degree",
]
