"""On what evidence a checkpoint is chosen, and what was found of each."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hardsight.core.files import write_atomically
from hardsight.detectors.evidence import Evidence, selection_score


class CheckpointChoice(Evidence):
    """Choose among the last checkpoints' own and averaged weights.

    The copies have synthetic defects, which training does not use unless told.
    """


@dataclass(frozen=True)
class Aurocs:
    """AUROC of images and of pixels on validation data, clean and attacked."""

    image: float
    pixel: float
    attacked_image: float
    """Under an attack on the score."""
    attacked_pixel: float
    """Under an attack on the patches."""

    def selection_score(self, weight: float) -> float:
        """Return the mean of the image's and the pixels', see ``evidence.selection_score``."""
        image = selection_score(self.image, self.attacked_image, weight)
        return (image + selection_score(self.pixel, self.attacked_pixel, weight)) / 2


@dataclass(frozen=True)
class CheckpointCandidate:
    """Weights of a checkpoint, and their AUROC on validation data."""

    step: int
    weights: str
    """"average" or "last": the exponential average over the training, or the step's own."""
    aurocs: Aurocs


@dataclass(frozen=True)
class CheckpointReport:
    """Every candidate, best first, and what it was judged on."""

    candidates: tuple[CheckpointCandidate, ...]
    settings: CheckpointChoice

    def write(self, path: Path) -> None:
        """Write the report as JSON, best candidate first."""
        weight = self.settings.robust_weight
        rows = [
            {"step": c.step, "weights": c.weights}
            | asdict(c.aurocs)
            | {"selection_score": c.aurocs.selection_score(weight)}
            for c in self.candidates
        ]
        text = {"settings": self.settings.model_dump(), "candidates": rows}
        write_atomically(path, json.dumps(text, indent=1) + "\n")
