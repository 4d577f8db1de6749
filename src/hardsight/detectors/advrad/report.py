"""What a fit of AdvRAD chose, and on what evidence."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hardsight.detectors.advrad.candidates import Candidate
from hardsight.detectors.advrad.scoring import Scoring
from hardsight.detectors.evidence import Evidence, selection_score


@dataclass(frozen=True)
class Report:
    """Every candidate, best first, and what it was judged on."""

    candidates: tuple[Candidate, ...]
    settings: Evidence
    weight: float
    """Weight of the robust AUROC in the selection score."""
    localising: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Side of the map's own filter -> pixel AUROC, clean and under an attack on the map."""
    pilots: dict[int, float] = field(default_factory=dict)
    """Patch size -> selection score of its best candidate after a short training, where it was
    chosen."""
    fixed_reconstruction: dict[int, float] = field(default_factory=dict)
    """k -> selection score of its best candidate under the fixed-reconstruction attack, where the k
    of the adversarial training was chosen."""

    @property
    def best(self) -> Candidate:
        """The chosen one."""
        return self.candidates[0]

    @property
    def map_filter_size(self) -> int:
        """The chosen side of the map's own filter: of equal maps the least filtered."""
        sides = {side: selection_score(*v, self.weight) for side, v in self.localising.items()}
        return max(sorted(sides), key=sides.__getitem__) if sides else 1

    def scoring_of(self, own: Scoring) -> Scoring:
        """Return a detector's scoring as it was chosen."""
        return replace(self.best.scoring_of(own), map_filter_size=self.map_filter_size)

    @property
    def statement(self) -> str:
        """What the chosen scoring and map had of the evidence."""
        best = self.best
        attacked = best.transferred if best.robust is None else best.robust
        pixels = self.localising.get(self.map_filter_size)
        count = f"{len(self.candidates):,} scorings"
        return self.settings.statement(count, (best.clean, attacked), pixels)

    def values(self) -> dict[str, Any]:
        """Return what was found, best candidate first."""
        rows = [
            asdict(c) | {"selection_score": c.selection_score(self.weight)} for c in self.candidates
        ]
        return {
            "settings": self.settings.model_dump(),
            "pilots": self.pilots,
            "fixed_reconstruction": self.fixed_reconstruction,
            "localising": self.localising,
            "candidates": rows,
        }
