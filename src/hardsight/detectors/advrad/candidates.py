"""The ways to score among which AdvRAD chooses, and how each did on validation data."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor

from hardsight.core.files import write_atomically
from hardsight.detectors.advrad.scoring import (
    Average,
    Reference,
    mean_filter,
    relate,
    top_count,
)
from hardsight.detectors.evidence import merit


@dataclass(frozen=True)
class Candidate:
    """One way to score, and how it did on validation data."""

    k: int
    average: Average
    margin: float
    filter_size: int
    reference: Reference
    aggregation: str
    clean: float
    """AUROC of the validation normals against their defective copies."""
    transferred: float = 1.0
    """The same under the worst per image of the attacks crafted on others before it was attacked
    itself; no attack can raise it."""
    robust: float | None = None
    """The same with an attack on this very scoring among them; None where there was none."""
    clean_distance: float = 0.0
    """d' of the logarithms of the clean scores, see ``sensitivity_index``."""
    worst_distance: float = 0.0
    """The same under the worst per image so far."""

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of ``AdvRAD.configure``."""
        names = ("k", "average", "margin", "filter_size", "reference", "aggregation")
        return {n: getattr(self, n) for n in names}

    def merit(self, weight: float) -> float:
        """See ``merit``; transferred stands for robust until it was attacked itself."""
        return merit(self.clean, self.transferred if self.robust is None else self.robust, weight)

    def rank(self, weight: float) -> tuple[float, float]:
        """Return merit and distance: of few images many ways tie, and by how far is then told.

        The distance is a mean as merit is, one under attack below zero counting zero.
        """
        distance = (1 - weight) * self.clean_distance + weight * max(self.worst_distance, 0.0)
        return round(self.merit(weight), 9), distance


@dataclass(frozen=True)
class Report:
    """Every candidate, best first, and what it was judged on."""

    candidates: tuple[Candidate, ...]
    settings: BaseModel
    weight: float
    """Of the robust AUROC in the merit."""
    localising: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Side of the map's own filter -> pixel AUROC, clean and under an attack on the map."""
    pilots: dict[int, float] = field(default_factory=dict)
    """Patch size -> merit of its best candidate after a short training, where it was chosen."""
    painted: dict[int, float] = field(default_factory=dict)
    """k -> merit that a painter leaves its best candidate, where the game's k was chosen."""

    @property
    def best(self) -> Candidate:
        """The chosen one."""
        return self.candidates[0]

    @property
    def chosen(self) -> dict[str, Any]:
        """The arguments of ``AdvRAD.configure``: of equal maps the least filtered."""
        sides = {side: merit(*v, self.weight) for side, v in self.localising.items()}
        size = max(sorted(sides), key=sides.__getitem__) if sides else 1
        return self.best.settings | {"map_filter_size": size}

    def write(self, path: Path) -> None:
        """Write the report as JSON, best candidate first."""
        rows = [asdict(c) | {"merit": c.merit(self.weight)} for c in self.candidates]
        text = {
            "settings": self.settings.model_dump(),
            "pilots": self.pilots,
            "painted": self.painted,
            "localising": self.localising,
            "candidates": rows,
        }
        write_atomically(path, json.dumps(text, indent=1) + "\n")


ReferenceStatistics = dict[int, tuple[Tensor, Tensor]]
"""Filter size -> mean and spread of the normal errors, (1, 1, H, W) each."""


def scorings(
    yardsticks: ReferenceStatistics,
    maps: Tensor,
    references: Sequence[Reference],
    aggregations: Sequence[str],
) -> Iterator[tuple[dict[str, Any], NDArray[np.float64]]]:
    """Yield every way to score error maps, with the scores (B,), sharing what can be shared.

    Args:
        yardsticks: of the filter sizes to try, see ``normal_errors``.
        maps: (B, 1, H, W) unfiltered error maps.
        references, aggregations: see ``hardsight.detectors.advrad.scoring``.
    """
    for size, (mean, spread) in yardsticks.items():
        filtered = mean_filter(maps, size)
        for reference in references:
            flat = relate(filtered, mean, spread, reference).flatten(1)
            tops = {a: top_count(a, flat.shape[1]) for a in aggregations}
            partial = [n for n in tops.values() if n < flat.shape[1]]
            sums = flat.topk(max(partial, default=1), dim=1).values.double().cumsum(1)
            for aggregation, top in tops.items():
                whole = top == flat.shape[1]
                scores = flat.mean(1, dtype=torch.float64) if whole else sums[:, top - 1] / top
                settings = {"filter_size": size, "reference": reference}
                yield settings | {"aggregation": aggregation}, scores.numpy()
