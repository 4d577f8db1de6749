"""PatchGuard: an adversarially trained vision transformer that detects and localises."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.core.files import working_folder
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection, Progress, quiet
from hardsight.data import AnomalyData
from hardsight.detectors.patchguard.attention import attention_degree
from hardsight.detectors.patchguard.fitting import fit_patchguard
from hardsight.detectors.patchguard.networks import build_network
from hardsight.detectors.patchguard.recipe import Recipe
from hardsight.detectors.patchguard.selection import CheckpointChoice, CheckpointReport
from hardsight.detectors.patchguard.vit import Layer
from hardsight.detectors.saved import SavedDetector
from hardsight.training import Settings

DEFAULT: dict[str, Any] = {
    "name": "vit",
    "architecture": "vit_tiny_patch16_224",
    "patch_size": 14,
    "depth": 6,
}


class PatchGuard(SavedDetector):
    """Judge every patch by a ViT taught on clean and attacked pseudo-anomalies (PatchGuard).

    Deterministic: there is no noise. The defaults are those of the preset ``patchguard``, sized for
    CPUs; ``patchguard-paper`` holds the paper's values.

    Args:
        backbone: ``name`` of ``hardsight.detectors.patchguard.NETWORKS`` and its arguments, e.g.
            ``{"name": "vit", "architecture": "vit_small_patch14_dinov2.lvd142m"}``.
        image_size: height and width in pixels.
        k: patches with the highest logits that the score averages; the paper says 5, its code 3.
            Of a network that judges pixels, as large a share of them as k has of 14 x 14 patches.
        sigma: of the Gaussian that smooths the map, in pixels; 0: none.
        radius: where it is cut off, in pixels.
        precision: "bf16" runs the network under bfloat16 autocast, "fp32" does not, "auto" does
            where this machine gains by it.
        seed: of the initial weights.
    """

    paper = "PatchGuard"
    exportable = True
    spread: Tensor
    report: CheckpointReport | None = None
    """How the checkpoints did on validation data, if ``fit`` chose among them."""

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
        self.image_size = image_size
        self.network = build_network(DEFAULT if backbone is None else backbone, image_size, seed)
        self.cell: int = self.network.network.cell  # type: ignore[assignment]
        side = image_size // self.cell
        patches = side**2 if self.cell > 1 else (image_size / 14) ** 2
        if not 1 <= k <= patches:
            raise ValueError(f"k must be between 1 and the {patches:g} patches, got {k}")
        self.k = k if self.cell > 1 else max(1, round(k / patches * image_size**2))
        if sigma < 0 or not 0 <= radius < image_size:
            raise ValueError(
                f"need sigma >= 0 and 0 <= radius < {image_size}, got {sigma}, {radius}"
            )
        self.precision = precision
        self.register_buffer("spread", _spread(side, image_size, sigma, radius), persistent=False)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch: the mean of the k highest logits, and the logits as a smooth map.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        logits = self.patch_logits(images)
        score = logits.flatten(1).topk(self.k, dim=1).values.mean(1)
        spread = self.spread.to(logits)
        return Detection(score, spread @ logits @ spread.T)

    def patch_logits(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 1, h, w) logits, above 0 anomalous; differentiable."""
        with autocast(self.precision, images.device):
            logits: Tensor = self.network(images)
        return logits.to(images.dtype)

    @torch.no_grad()
    def degrees(
        self, images: Tensor, layers: Sequence[Layer] = (-1,), delta: float = 1.0
    ) -> Tensor:
        """(layers, B) mean attention degree of the patches, over tokens and heads; for reports.

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
        self,
        data: AnomalyData,
        training: Settings | None = None,
        selection: CheckpointChoice | None = None,
        *,
        recipe: Recipe | None = None,
        augment: Literal["auto", "none"] = "none",
        false_alarms: float | None = None,
        folder: str | Path | None = None,
        resume: bool = False,
        progress: Progress = quiet,
    ) -> Self:
        """Train, choose a checkpoint, and calibrate the threshold.

        Only ``data.train`` and ``data.validation`` are used. With a selection, one half of the
        validation normals serves it and the other calibrates.

        Args:
            data: at ``image_size`` pixels.
            training: how the loop trains; None: the defaults.
            selection: on what the checkpoint is chosen; None keeps the averaged weights of the
                last step.
            recipe: adversary, regulariser and pseudo-anomalies; None: the defaults.
            augment: "auto" turns training images the ways they turn themselves (see
                ``hardsight.data.symmetries``), "none" leaves them, as the paper does.
            false_alarms: rate of the threshold; None: 1 %, or the lowest the normals support.
            folder: for checkpoints, logs and samples; None: a temporary one.
            resume: go on from the last checkpoint in ``folder``.
            progress: told of every step.

        Raises:
            KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
            ValueError: images of another size, or too few for the false-alarm rate.
        """
        with working_folder(folder) as place:
            fit_patchguard(
                self,
                data,
                training or Settings(),
                selection,
                recipe or Recipe(),
                augment == "auto",
                false_alarms,
                place,
                resume,
                progress,
            )
        return self


def _spread(side: int, size: int, sigma: float, radius: int) -> Tensor:
    """(size, side): what bilinear enlargement and a Gaussian make of a line of logits.

    Both act on rows and columns apart, so that the map is ``spread @ logits @ spread.T``. The
    border is mirrored.
    """
    rows = torch.eye(side).view(1, 1, side, side)
    found = F.interpolate(rows, (size, side), mode="bilinear", align_corners=False)[0, 0]
    if sigma == 0 or radius == 0:
        return found
    near = torch.arange(-radius, radius + 1.0)
    kernel = torch.exp(-0.5 * (near / sigma) ** 2)
    padded = F.pad(found.T[:, None], (radius, radius), mode="reflect")
    smooth = F.conv1d(padded, (kernel / kernel.sum()).view(1, 1, -1))
    return smooth[:, 0].T.contiguous()
