"""How an approximate search differs from the exact one."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from hardsight.detectors.memory_bank.bank import Bank


@dataclass(frozen=True)
class SearchDifference:
    """What an approximate search makes of queries, beside the exact one."""

    queries: int
    missed: float
    """Share of the queries whose nearest vector is not the one that was found."""
    mean_excess: float
    """Mean of what distances are longer by, as a share of the exact one."""
    largest_excess: float

    @property
    def statement(self) -> str:
        """The difference in one sentence."""
        return (
            f"The search by FAISS misses the nearest vector of {100 * self.missed:.2g} % of "
            f"{self.queries} held-out patches; distances are {100 * self.mean_excess:.2g} % longer "
            f"on the mean, {100 * self.largest_excess:.2g} % at most."
        )

    def values(self) -> dict[str, Any]:
        """Return the difference in numbers."""
        return {"search": asdict(self)}


@torch.no_grad()
def search_difference(bank: Bank, queries: Tensor) -> SearchDifference:
    """Compare what a bank's own search finds for (N, dims) queries with the exact neighbours."""
    found, exact = bank.nearest(queries), bank.nearest_exactly(queries)
    mine, right = bank.distances(queries, found), bank.distances(queries, exact)
    excess = (mine - right) / right.clamp_min(torch.finfo(right.dtype).tiny)
    return SearchDifference(
        len(queries),
        float((mine > right).double().mean()),
        float(excess.mean()),
        float(excess.max()),
    )
