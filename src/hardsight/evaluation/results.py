"""The result of an evaluation: rows of a table, and what is needed to draw them."""

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

HELD_OUT = "AUROC, held-out"
"""The metric of a row that compares defects with the good parts the threshold was set on."""
OBJECT_ALONE = "AUROC, object alone"
"""The metric of a row that marks the whole object: what a map owes to knowing where that is."""


class Estimate(NamedTuple):
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Budget:
    """What the attacker was allowed to spend on an image."""

    name: str = ""
    """"fast", "full" or "own"; see ``hardsight.attacks.catalogue``."""
    attacks: str = ""
    """In words, e.g. "APGD 20 steps x 4 draws on score, mean"."""
    passes: int = 0
    """Network evaluations, most of them forward and backward, counted in single draws."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a metric under one attack, in the four noise columns.

    ``mean``: scores averaged over fresh draws. ``single``: one draw, its interval over draws and
    images. ``worst``: the worst of the draws for the defender, per image. ``fixed``: the noise is
    fixed and known to the attacker. A column is None where it was not measured.
    """

    attack: str
    """"clean", "pgd", "eot-pgd", ..."""
    target: str
    """"image" or "pixel": the level the attack aimed at and the metric speaks of."""
    metric: str
    """"AUROC", "AP", "F1-max", "AUPRO", ``HELD_OUT`` or ``OBJECT_ALONE``."""
    mean: Estimate
    single: Estimate | None = None
    worst: Estimate | None = None
    fixed: Estimate | None = None
    norm: str | None = None
    """"Linf" or "L2"; None when clean."""
    eps: float = 0.0
    """Radius in [0, 1] pixel units."""
    fresh_draws: int = 0
    """Draws scored after the attack, none of which it saw."""
    budget: Budget = field(default_factory=Budget)
    published: float | None = None
    """The paper's figure for the same row, in [0, 1]."""
    seconds_per_image: float = 0.0
    flags: tuple[str, ...] = ()
    """Reasons for which the row must not be trusted as it is, e.g. "not audited"."""


@dataclass(frozen=True)
class GalleryItem:
    """The pictures of one test image."""

    name: str
    anomalous: bool
    image: Tensor
    """(C, H, W) in [0, 1], as are ``attacked`` and ``reconstruction`` (None: nothing to show)."""
    attacked: Tensor | None
    reconstruction: Tensor | None
    map_clean: Tensor
    """(H, W), as is ``map_attacked``."""
    map_attacked: Tensor | None
    mask: Tensor | None
    """(H, W) bool; None for a normal image or where no mask is known."""
    score_clean: float
    score_attacked: float | None


@dataclass(frozen=True)
class Evaluation:
    """Everything an evaluation measured on one data set."""

    title: str
    provenance: dict[str, str]
    """Detector, preset, data, split hash, seed, commit, device, versions: shown as they are."""
    labels: NDArray[np.bool_]
    """(N,) true = anomalous."""
    names: tuple[str, ...]
    """(N,) the test images' paths, relative to the data set."""
    scores: dict[str, NDArray[np.float64]]
    """Attack name -> (N, D) fresh-noise scores, "clean" first."""
    rows: tuple[Row, ...]
    curve: tuple[tuple[float, Estimate], ...]
    """(eps, image AUROC, mean of draws) in rising eps, eps = 0 first; empty if not asked for."""
    curve_label: str
    """What attack drew the curve, e.g. "eot-pgd, Linf, 10 steps x 4 draws"."""
    threshold: float | None
    false_alarm_level: float | None
    """The level the threshold was calibrated for, e.g. 0.01."""
    gallery: tuple[GalleryItem, ...]
    notes: tuple[str, ...] = ()
    """Sentences a reader must know: what was skipped, partial or not covered."""
    held_out: tuple[float, ...] = ()
    """Scores, one draw each, of the good parts that the threshold was set on."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary: all but the pictures."""
        skip = {"gallery", "labels", "scores"}
        plain = {k: v for k, v in vars(self).items() if k not in skip}
        return plain | {
            "rows": [asdict(r) for r in self.rows],
            "labels": self.labels.astype(int).tolist(),
            "scores": {k: np.asarray(v).tolist() for k, v in self.scores.items()},
        }
