"""How an approximate search differs from the exact one."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json
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

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        values = {"search": asdict(self) | {"statement": self.statement}}
        write_atomically(path, json.dumps(values, indent=1) + "\n")

    @staticmethod
    def told_in(path: Path) -> str | None:
        """Return the sentence of a fit's report; None where the report has none or is not there."""
        if not path.is_file():
            return None

        def statement(found: dict[str, Any]) -> str | None:
            told = found.get("search", {}).get("statement")
            return None if told is None else str(told)

        return read_json(path, "remove it, or fit again", statement)


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
