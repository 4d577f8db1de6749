"""The ways to score among which AdvRAD chooses, and how each did on validation data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.detectors.advrad.maps import Average, Reference, relate, top_count
from hardsight.detectors.advrad.scoring import ReferenceStatistics, Scoring
from hardsight.detectors.evidence import selection_score
from hardsight.detectors.mean_filter import mean_filter
from hardsight.metrics import sensitivity_index


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

    def scoring_of(self, own: Scoring) -> Scoring:
        """Return a detector's one-shot scoring in this way, its map without a filter."""
        names = ("k", "average", "margin", "filter_size", "reference", "aggregation")
        return replace(own, shots=1, map_filter_size=1, **{n: getattr(self, n) for n in names})

    def selection_score(self, weight: float) -> float:
        """Return ``selection_score``; transferred stands for robust until attacked itself."""
        robust = self.transferred if self.robust is None else self.robust
        return selection_score(self.clean, robust, weight)

    def rank(self, weight: float) -> tuple[float, float]:
        """Return selection score and distance: of few images many ways tie in the first.

        The distance is a mean as the score is, one under attack below zero counting zero.
        """
        distance = (1 - weight) * self.clean_distance + weight * max(self.worst_distance, 0.0)
        return round(self.selection_score(weight), 9), distance


def scorings(
    statistics: Mapping[int, ReferenceStatistics],
    maps: Tensor,
    references: Sequence[Reference],
    aggregations: Sequence[str],
) -> Iterator[tuple[dict[str, Any], NDArray[np.float64]]]:
    """Yield every way to score error maps, with the scores (B,), sharing what can be shared.

    Args:
        statistics: filter size to try -> those of normal errors.
        maps: (B, 1, H, W) unfiltered error maps.
        references, aggregations: to try, see ``Scoring``.
    """
    for size, normal in statistics.items():
        filtered = mean_filter(maps, size)
        for reference in references:
            flat = relate(filtered, normal.mean, normal.spread, reference).flatten(1)
            tops = {a: top_count(a, flat.shape[1]) for a in aggregations}
            partial = [n for n in tops.values() if n < flat.shape[1]]
            sums = flat.topk(max(partial, default=1), dim=1).values.double().cumsum(1)
            for aggregation, top in tops.items():
                whole = top == flat.shape[1]
                scores = flat.mean(1, dtype=torch.float64) if whole else sums[:, top - 1] / top
                settings = {"filter_size": size, "reference": reference}
                yield settings | {"aggregation": aggregation}, scores.numpy()


def distance(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Return d' of the logarithms of scores (N,), none negative."""
    return sensitivity_index(np.log(np.maximum(scores, 1e-12)), labels)
