"""Which checkpoint: chosen on validation normals and spoilt copies of them, clean and attacked."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hardsight.attacks import Objective, ScoreObjective
from hardsight.core.files import write_atomically
from hardsight.core.types import Detection, Progress, quiet
from hardsight.detectors.evidence import Aim, Evidence, selection_score
from hardsight.detectors.patchguard.objective import PatchObjective, cell_labels
from hardsight.metrics import auroc, pixel_auroc
from hardsight.synthesis import PseudoAnomalies
from hardsight.training import checkpoint

if TYPE_CHECKING:
    from hardsight.detectors.patchguard.detector import PatchGuard


class CheckpointChoice(Evidence):
    """On what evidence the weights are chosen: the last checkpoints' own and averaged ones.

    The copies are spoilt by synthetic defects, which training does not use unless told.
    """


@dataclass(frozen=True)
class CheckpointCandidate:
    """Weights of a checkpoint, and their AUROC on validation data."""

    step: int
    weights: str
    """"average" or "last": the exponential average over the training, or the step's own."""
    image: float
    pixel: float
    attacked_image: float
    """Under an attack on the score."""
    attacked_pixel: float
    """Under an attack on the patches."""

    def selection_score(self, weight: float) -> float:
        """Return the mean of image's and map's, see ``selection_score``."""
        parts = ((self.image, self.attacked_image), (self.pixel, self.attacked_pixel))
        return sum(selection_score(*part, weight) for part in parts) / 2


@dataclass(frozen=True)
class CheckpointReport:
    """Every candidate, best first, and what it was judged on."""

    candidates: tuple[CheckpointCandidate, ...]
    settings: CheckpointChoice

    def write(self, path: Path) -> None:
        """Write the report as JSON, best candidate first."""
        weight = self.settings.robust_weight
        rows = [asdict(c) | {"selection_score": c.selection_score(weight)} for c in self.candidates]
        text = {"settings": self.settings.model_dump(), "candidates": rows}
        write_atomically(path, json.dumps(text, indent=1) + "\n")


def choose_checkpoint(
    detector: "PatchGuard",
    folder: Path,
    evidence: PseudoAnomalies,
    settings: CheckpointChoice,
    seed: int,
    progress: Progress = quiet,
) -> CheckpointReport:
    """Load into the detector the weights that did best on the evidence; no test image is seen.

    Args:
        detector: in eval mode.
        folder: of the checkpoints.
        evidence: from ``settings.evidence``.
        settings: the attacks' budget.
        seed: of the attacks.
        progress: told after each candidate.
    """
    paths = sorted(folder.glob("step-*.safetensors"))
    found: list[tuple[CheckpointCandidate, dict[str, Tensor], Path]] = []
    for path in reversed(paths):
        held = checkpoint.load(path)
        for name, part in (("average", "ema"), ("last", "model")):
            weights = held.part(part)
            checkpoint.load_into(detector.network, weights, path)
            figures = judge(detector.eval(), evidence, settings, seed)
            found.append((CheckpointCandidate(held.step, name, *figures), weights, path))
            progress("select", len(found), 2 * len(paths), "checkpoints")
    found.sort(key=lambda row: -row[0].selection_score(settings.robust_weight))
    _, weights, path = found[0]
    checkpoint.load_into(detector.network, weights, path)
    return CheckpointReport(tuple(row[0] for row in found), settings)


def judge(
    detector: "PatchGuard", evidence: PseudoAnomalies, settings: CheckpointChoice, seed: int
) -> tuple[float, float, float, float]:
    """Return image and pixel AUROC, clean and each under its own attack."""
    labels = evidence.labels.numpy()

    def on_score(labels: Tensor, masks: Tensor) -> Objective:
        return ScoreObjective(detector, labels, surrogate="score")

    def on_patches(labels: Tensor, masks: Tensor) -> Objective:
        return PatchObjective(detector.patch_logits, cell_labels(masks, detector.cell))

    def attacked(aim: Aim) -> Detection:
        generator = torch.Generator(detector.device).manual_seed(seed)
        return detector.predict(settings.attack(detector, evidence, aim, generator))

    clean = detector.predict(evidence.images)
    hurt = [attacked(aim) for aim in (on_score, on_patches)]
    masks = evidence.masks.numpy()
    return (
        auroc(clean.pred_score.double().numpy(), labels),
        pixel_auroc(clean.anomaly_map.double().numpy(), masks),
        auroc(hurt[0].pred_score.double().numpy(), labels),
        pixel_auroc(hurt[1].anomaly_map.double().numpy(), masks),
    )
