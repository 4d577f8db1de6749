"""An approximate search for the nearest of many vectors, by FAISS."""

import math
from typing import Any

import torch
from torch import Tensor

from hardsight.core.extras import needed

FAISS = "'hardsight[faiss]'"
"""What to install."""
PROBED = 8
"""Cells that are searched, the nearest ones."""


class InvertedLists:
    """Search the vectors of the cells nearest to a query (FAISS, Johnson et al., 2019, IVF).

    Vectors are parted by k-means into 2 sqrt(n) cells; a nearest vector in a cell that is not
    searched is missed.

    Args:
        vectors: (n, dims).

    Raises:
        ImportError: FAISS is not installed.
    """

    def __init__(self, vectors: Tensor) -> None:
        faiss = demanded_faiss()
        rows = _array(vectors)
        cells = max(1, min(round(2 * math.sqrt(len(rows))), len(rows) // 40))
        centres: Any = faiss.IndexFlatL2(rows.shape[1])
        self._index: Any = faiss.IndexIVFFlat(centres, rows.shape[1], cells)
        self._centres = centres  # which the index refers to, and does not own
        self._index.nprobe = PROBED
        self._index.train(rows)
        self._index.add(rows)

    def nearest(self, queries: Tensor) -> Tensor:
        """Return the indices (N, 1) of the vectors found nearest to (N, dims)."""
        _, found = self._index.search(_array(queries), 1)
        return torch.from_numpy(found).to(queries.device)


def demanded_faiss() -> Any:
    """Return the module of FAISS.

    Raises:
        ImportError: it is not installed.
    """
    return needed("faiss", FAISS, "search='faiss'", "take search='exact'")


def _array(x: Tensor) -> Any:
    return x.detach().float().cpu().contiguous().numpy()
