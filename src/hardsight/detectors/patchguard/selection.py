"""On what evidence a checkpoint is chosen, and what was found of each."""

from dataclasses import asdict, dataclass
from typing import Any

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

    @property
    def statement(self) -> str:
        """What the chosen weights had of the evidence."""
        best, count = self.candidates[0].aurocs, f"{len(self.candidates)} checkpoints' weights"
        images, pixels = (best.image, best.attacked_image), (best.pixel, best.attacked_pixel)
        return self.settings.statement(count, images, pixels)

    def values(self) -> dict[str, Any]:
        """Return what was found, best candidate first."""
        weight = self.settings.robust_weight
        rows = [
            {"step": c.step, "weights": c.weights}
            | asdict(c.aurocs)
            | {"selection_score": c.aurocs.selection_score(weight)}
            for c in self.candidates
        ]
        return {"settings": self.settings.model_dump(), "candidates": rows}
