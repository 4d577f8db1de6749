"""Choose a checkpoint on validation normals and defective copies of them, clean and attacked."""

import copy
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from hardsight.attacks import ScoreObjective
from hardsight.core.progress import Progress, quiet
from hardsight.core.types import Detection
from hardsight.detectors.evidence import Aim
from hardsight.detectors.patchguard.contract import P
from hardsight.detectors.patchguard.objective import PatchObjective, cell_labels
from hardsight.detectors.patchguard.selection import (
    Aurocs,
    CheckpointCandidate,
    CheckpointChoice,
    CheckpointReport,
)
from hardsight.metrics import auroc, pixel_auroc
from hardsight.synthesis import PseudoAnomalies
from hardsight.training import checkpoint

PARTS = {"average": "ema", "last": "model"}
"""Name of a checkpoint's weights -> the part of its file that holds them."""


def choose_checkpoint(
    detector: P,
    folder: Path,
    evidence: PseudoAnomalies,
    settings: CheckpointChoice,
    seed: int,
    progress: Progress = quiet,
) -> tuple[P, CheckpointReport]:
    """Return a detector with the weights that did best on the evidence; no test image is seen.

    Args:
        detector: in eval mode; left as it is.
        folder: of the checkpoints.
        evidence: from ``settings.evidence``.
        settings: the attacks' budget.
        seed: of the attacks.
        progress: told after each candidate.

    Returns:
        A copy of the detector, and how every candidate did.
    """
    kept = list(checkpoint.readable(folder))
    found = copy.deepcopy(detector)
    candidates: list[tuple[CheckpointCandidate, dict[str, Tensor], Path]] = []
    for held in kept:
        for name, part in PARTS.items():
            weights = held.part(part)
            checkpoint.load_into(found.network, weights, held.path)
            candidate = CheckpointCandidate(
                held.step, name, measure_aurocs(found, evidence, settings, seed)
            )
            candidates.append((candidate, weights, held.path))
            progress("selection", len(candidates), len(PARTS) * len(kept), "checkpoints")
    weight = settings.robust_weight
    candidates.sort(key=lambda row: -row[0].aurocs.selection_score(weight))
    _, weights, path = candidates[0]
    checkpoint.load_into(found.network, weights, path)
    return found, CheckpointReport(tuple(row[0] for row in candidates), settings)


def measure_aurocs(
    detector: P, evidence: PseudoAnomalies, settings: CheckpointChoice, seed: int
) -> Aurocs:
    """Measure image and pixel AUROC on the evidence, clean and each under its own attack."""
    labels, masks = evidence.labels.numpy(), evidence.masks.numpy()

    def on_score(labels: Tensor, masks: Tensor) -> ScoreObjective:
        return ScoreObjective(cast(nn.Module, detector), labels, surrogate="score")

    def on_patches(labels: Tensor, masks: Tensor) -> PatchObjective:
        return PatchObjective(detector.patch_logits, cell_labels(masks, detector.network.cell))

    def attacked(aim: Aim) -> Detection:
        generator = torch.Generator(detector.device).manual_seed(seed)
        return detector.predict(settings.attack(detector, evidence, aim, generator))

    def image(found: Detection) -> float:
        return auroc(found.pred_score.double().numpy(), labels)

    def pixel(found: Detection) -> float:
        return pixel_auroc(found.anomaly_map.double().numpy(), masks)

    clean = detector.predict(evidence.images)
    return Aurocs(
        image(clean), pixel(clean), image(attacked(on_score)), pixel(attacked(on_patches))
    )
