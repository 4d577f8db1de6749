"""What a fit needs of a PatchGuard."""

from typing import Protocol, TypeVar

import torch
from torch import Tensor

from hardsight.core.types import Detection
from hardsight.detectors.evidence import Attackable
from hardsight.detectors.fitting import Trainable
from hardsight.detectors.inputs import Images
from hardsight.detectors.patchguard.networks import Normalised


class PatchDetector(Trainable, Attackable, Protocol):
    """A detector that scores the logits of patches, see ``Detector`` and ``PatchGuard``."""

    network: Normalised

    @property
    def device(self) -> torch.device:
        """Where the detector computes."""

    def patch_logits(self, images: Tensor) -> Tensor:
        """Return logits (B, 1, h, w) of (B, 3, H, W), above 0 anomalous; differentiable."""

    def predict(self, images: Images) -> Detection:
        """Score images of any number without gradients."""


P = TypeVar("P", bound=PatchDetector)
