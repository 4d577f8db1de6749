"""Few vectors that stand for many: the greedy coreset of PatchCore."""

import torch
from torch import Generator, Tensor

from hardsight.core.progress import Progress, quiet

CORESET = "coreset"
"""Stage in which the vectors are chosen."""
_TOLD = 500
"""Vectors between two reports of progress."""


def greedy_coreset(
    vectors: Tensor,
    size: int,
    generator: Generator,
    projection: int | None = None,
    progress: Progress = quiet,
) -> Tensor:
    """Return the indices of vectors that cover the others (PatchCore, algorithm 1, eq. 5).

    Each is the one farthest from all that were taken before, which is at most twice as far from
    the optimum (k-center, Gonzalez 1985). The first is drawn.

    Args:
        vectors: (N, D).
        size: how many to take; all of them where there are no more.
        generator: of the first and of the projection, on the CPU.
        projection: random directions the distances are taken in, which keep them nearly
            (Johnson and Lindenstrauss); None, or no fewer than D: the vectors as they are.
        progress: told now and then.

    Returns:
        (min(size, N),) int64, in the order in which they were taken.

    Raises:
        ValueError: no vectors, or a size below 1.
    """
    if len(vectors) == 0 or size < 1:
        raise ValueError(f"a coreset needs vectors and a size >= 1, got {len(vectors)} and {size}")
    if size >= len(vectors):
        return torch.arange(len(vectors), device=vectors.device)
    points = _projected(vectors, projection, generator)
    taken = torch.empty(size, dtype=torch.int64, device=vectors.device)
    taken[0] = torch.randint(len(points), (1,), generator=generator)
    squares = points.square().sum(1)
    nearest = torch.full_like(squares, torch.inf)
    for i in range(1, size):
        last = taken[i - 1]
        away = torch.addmv(squares, points, points[last], alpha=-2).add_(squares[last])
        nearest = torch.minimum(nearest, away)
        nearest[last] = -torch.inf  # never twice, even among equal ones
        taken[i] = nearest.argmax()
        if i % _TOLD == 0 or i == size - 1:
            progress(CORESET, i + 1, size)
    return taken


def _projected(vectors: Tensor, projection: int | None, generator: Generator) -> Tensor:
    if projection is None or projection >= vectors.shape[1]:
        return vectors
    directions = torch.randn(vectors.shape[1], projection, generator=generator)
    return vectors @ directions.to(vectors)
