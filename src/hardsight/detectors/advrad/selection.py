"""What AdvRAD leaves open to be chosen on validation data, and on what evidence."""

import math
from typing import Annotated

from pydantic import Field, model_validator

from hardsight.detectors.advrad.maps import Average, Reference, top_count
from hardsight.detectors.evidence import Evidence
from hardsight.detectors.mean_filter import demand_filter
from hardsight.synthesis import PseudoAnomalies


class Selection(Evidence):
    """What to choose among, and on what evidence."""

    ks: tuple[Annotated[int, Field(ge=1)], ...] = Field((50, 100, 200), min_length=1)
    """Diffusion steps to try; where adversarial training leaves its own open, they are tried before
    it."""
    slack: float = Field(0.03, ge=0, le=1)
    """Selection score under the fixed-reconstruction attack that more noise may cost, where the k
    of adversarial training is chosen so."""
    averages: tuple[Average, ...] = Field(("error", "reconstruction"), min_length=1)
    margins: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field((0.0,), min_length=1)
    """Contrasts that an error must exceed to count."""
    filter_sizes: tuple[int, ...] = Field((1, 3, 9, 21), min_length=1)
    references: tuple[Reference, ...] = Field(("error", "deviation", "standardised"), min_length=1)
    aggregations: tuple[str, ...] = Field(
        ("max", "top:0.0015", "top:0.015", "top:0.05", "mean"), min_length=1
    )
    map_filter_sizes: tuple[int, ...] = Field((1, 9, 21, 41), min_length=1)
    """Sides of a filter of the map alone, chosen once all is trained, see ``score_map_filters``."""
    patches: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Patch sizes of the fast denoiser to try in short trainings; empty keeps the detector's."""
    pilot_steps: int = Field(300, ge=1)
    """Steps of such a training at the largest patch; smaller ones get fewer, for the same time."""
    eps: float = Field(2 / 255, ge=0, le=1)
    """L-inf radius of the attack, in [0, 1] pixel units."""
    steps: int = Field(10, ge=1)
    """PGD steps of each attack."""
    copies: int = Field(4, ge=1)
    """Defective copies of each."""
    attacked: int = Field(32, ge=1)
    """Copies that are attacked: so many or a few more, the first of each normal first."""
    draws: int = Field(2, ge=1)
    """Noise draws a gradient averages, the detector's own among them."""
    reference_images: int = Field(48, ge=2)
    """Training normals the candidates' mean and spread are estimated from."""
    shortlist: int = Field(8, ge=1)
    """Candidates that are attacked themselves, at most: always the best that is left."""

    def few(self, evidence: PseudoAnomalies) -> PseudoAnomalies:
        """Return the part of the evidence that is attacked."""
        return evidence.first(self._copies_attacked(int((~evidence.labels).sum())))

    def passes(self, held_out: int) -> int:
        """Return how often an attack takes an image through the model and back.

        Args:
            held_out: validation normals to choose by, of which there is one at least.
        """
        normals = min(self.images, held_out)
        images = normals * (1 + self._copies_attacked(normals))
        return images * self.steps * self.draws

    def _copies_attacked(self, normals: int) -> int:
        return min(self.copies, math.ceil(self.attacked / normals))

    @model_validator(mode="after")
    def _makes_sense(self) -> "Selection":
        for size in (*self.filter_sizes, *self.map_filter_sizes):
            demand_filter(size)
        for aggregation in self.aggregations:
            top_count(aggregation, 1)
        return self
