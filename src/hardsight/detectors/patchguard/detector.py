"""PatchGuard: an adversarially trained vision transformer that detects and localises."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

import torch
from torch import Tensor

from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Work
from hardsight.detectors.patchguard.attention import attention_degree
from hardsight.detectors.patchguard.fitting import fit_patchguard
from hardsight.detectors.patchguard.networks import build_network
from hardsight.detectors.patchguard.patch_network import Layer
from hardsight.detectors.patchguard.recipe import PatchGuardFit
from hardsight.detectors.patchguard.scoring import PatchScoring
from hardsight.detectors.saved import SavedDetector

DEFAULT: dict[str, Any] = {
    "name": "vit",
    "architecture": "vit_tiny_patch16_224",
    "patch_size": 14,
    "depth": 6,
}


class PatchGuard(SavedDetector):
    """Judge every patch by a ViT trained on clean and attacked pseudo-anomalies (PatchGuard).

    Deterministic: there is no noise. The defaults are those of the preset ``patchguard``, sized for
    CPUs; ``patchguard-paper`` holds the paper's values.

    Args:
        backbone: ``name`` of ``hardsight.detectors.patchguard.NETWORKS`` and its arguments, e.g.
            ``{"name": "vit", "architecture": "vit_small_patch14_dinov2.lvd142m"}``.
        image_size: height and width in pixels.
        k: see ``PatchScoring``.
        sigma: see ``PatchScoring``.
        radius: see ``PatchScoring``.
        precision: "bf16" runs the network under bfloat16 autocast, "fp32" does not, "auto" does
            where this machine gains by it.
        seed: of the initial weights.
    """

    paper = "PatchGuard"
    exportable = True
    scoring: PatchScoring

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 224,
        k: int = 5,
        sigma: float = 6.0,
        radius: int = 7,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.image_size, self.precision = image_size, precision
        self.network = build_network(DEFAULT if backbone is None else backbone, image_size, seed)
        self._score_by(PatchScoring(k, sigma, radius))

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments, as ``config.json`` holds them."""
        return super().settings | asdict(self.scoring)

    def with_scoring(self, scoring: PatchScoring) -> Self:
        """Return a detector that scores as told, with the same network and no threshold."""
        found = self.with_calibration(None)
        found._score_by(scoring)
        return found

    def _score_by(self, scoring: PatchScoring) -> None:
        """Set the scoring, of a detector that is being made."""
        place = self.network.side, self.image_size
        self.scoring, self.top = scoring, scoring.top(*place)
        self.enlarged = scoring.enlargement(*place).to(self.device)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch: the mean of the highest logits, and the logits as a smooth map.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        logits = self.patch_logits(images)
        score = logits.flatten(1).topk(self.top, dim=1).values.mean(1)
        return Detection(score, self.enlarged(logits))

    def patch_logits(self, images: Tensor) -> Tensor:
        """Return logits (B, 1, h, w) of (B, 3, H, W), above 0 anomalous; differentiable."""
        with autocast(self.precision, images.device):
            logits: Tensor = self.network(images)
        return logits.to(images.dtype)

    @torch.no_grad()
    def degrees(
        self, images: Tensor, layers: Sequence[Layer] = (-1,), delta: float = 1.0
    ) -> Tensor:
        """Return the patches' mean attention degree (layers, B), over tokens and heads.

        Args:
            images: (B, 3, H, W) in [0, 1].
            layers: in the order in which they run; see ``Layer``.
            delta: see ``attention_degree``.

        Raises:
            ValueError: a network without attention, or no such layer.
        """
        _, maps = self.network.with_attention(self.prepare(images), layers)
        return torch.stack([attention_degree(a, delta).float().mean((1, 2)) for a in maps])

    def fit(
        self, data: AnomalyData, config: PatchGuardFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_patchguard``."""
        return fit_patchguard(self, data, config or PatchGuardFit(), work or Work()).detector
