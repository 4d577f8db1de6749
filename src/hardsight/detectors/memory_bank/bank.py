"""Vectors of normal patches, and the search for the nearest of them."""

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from hardsight.core.batches import in_parts
from hardsight.detectors.memory_bank.inverted_lists import InvertedLists

Search = Literal["exact", "faiss"]
"""How neighbours are found: all of them, or by ``InvertedLists``."""

ROWS = 1024
"""Queries in one matrix product: its result stays in the cache."""


class Bank(nn.Module):
    """Hold vectors, and find the nearest of them to others (Euclidean distance).

    The search is a matrix product under no gradient, ``|b|^2 / 2 - a . b``; the distances to what
    it finds are then taken by themselves. Their gradient is that of the minimum wherever it has
    one, for the memory and time of a few vectors instead of the whole bank's. An approximate search
    may find another vector; distances to it and their gradient are exact all the same.

    Args:
        size: vectors; zeros until ``fill``.
        dims: of each.
        search: of single neighbours; several are always found exactly.

    Raises:
        ValueError: no vector, or an unknown search.
    """

    vectors: Tensor
    half_squares: Tensor

    def __init__(self, size: int, dims: int, search: Search = "exact") -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"bank must hold at least 1 vector, got {size}")
        if search not in get_args(Search):
            raise ValueError(f"search must be {' or '.join(get_args(Search))}, got {search!r}")
        self.search = search
        self._lists: tuple[Tensor, int, InvertedLists] | None = None
        self.register_buffer("vectors", torch.zeros(size, dims))
        self.register_buffer("half_squares", torch.zeros(size))

    def __len__(self) -> int:
        return len(self.vectors)

    def fill(self, vectors: Tensor) -> None:
        """Hold (n, dims) vectors from now on, in place of those before."""
        self.vectors, self._lists = vectors.contiguous(), None
        self.half_squares = self.vectors.square().sum(1) / 2

    def nearest(self, queries: Tensor, k: int = 1) -> Tensor:
        """Return the indices (N, k) of the vectors nearest to (N, dims), nearest first.

        Raises:
            ImportError: FAISS is to search, and is not installed.
            ValueError: k is larger than the bank.
        """
        if self.search == "faiss" and k == 1 and not torch.compiler.is_compiling():
            return self.lists.nearest(queries)
        return self.nearest_exactly(queries, k)

    @property
    def lists(self) -> InvertedLists:
        """The lists of the vectors as they are now."""
        vectors, version = self.vectors, self.vectors._version
        if self._lists is None or self._lists[0] is not vectors or self._lists[1] != version:
            self._lists = vectors, version, InvertedLists(vectors)
        return self._lists[2]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the lists: a copy's vectors may change to others of the same version."""
        return self.__dict__ | {"_lists": None}

    @torch.no_grad()
    def nearest_exactly(self, queries: Tensor, k: int = 1) -> Tensor:
        """Return what ``nearest`` does, by comparing with every vector.

        Raises:
            ValueError: k is larger than the bank.
        """
        if not 1 <= k <= len(self):
            raise ValueError(f"k must be 1 to {len(self)}, the vectors of the bank, got {k}")
        known = self.vectors, self.half_squares
        (found,) = in_parts(lambda rows: (_ranked(rows, *known, k),), ROWS, queries)
        assert found is not None
        return found

    def distances(self, queries: Tensor, index: Tensor) -> Tensor:
        """Return the distances (N, k) of (N, dims) to the vectors (N, k) names, differentiably."""
        found: Tensor = torch.linalg.vector_norm(queries[:, None] - self.vectors[index], dim=2)
        return found  # its gradient at 0 is 0


def _ranked(queries: Tensor, vectors: Tensor, half_squares: Tensor, k: int = 1) -> Tensor:
    """Return the indices (N, k) of the nearest of (n, dims) vectors to (N, dims) queries.

    ``half_squares`` (n,) are ``|b|^2 / 2`` of the vectors b.
    """
    away = torch.addmm(half_squares, queries, vectors.T, alpha=-1)
    return away.argmin(1, keepdim=True) if k == 1 else away.topk(k, 1, largest=False).indices
