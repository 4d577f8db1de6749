"""Long work done piece by piece, and kept, so that a killed run goes on where it was."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from hardsight.core.files import write_tensors

Tensors = dict[str, Tensor]


def pieces(
    work: Iterable[tuple[str, Callable[[], Tensors]]],
    folder: Path | None = None,
    deadline: float = float("inf"),
) -> Iterator[Tensors]:
    """Yield each piece, on the CPU, until time runs out.

    Args:
        work: the name of each piece, and what makes it.
        folder: where finished pieces are kept by name; None keeps nothing.
        deadline: ``time.monotonic()`` after which no further piece is begun.
    """
    for name, make in work:
        path = folder / f"{name}.safetensors" if folder else None
        if path and path.exists():
            yield load_file(path)
            continue
        if time.monotonic() > deadline:
            return
        found = {k: v.cpu().contiguous() for k, v in make().items()}
        if path:
            write_tensors(path, found)
        yield found


def shown(attacked: Tensor, start: int, keep: frozenset[int]) -> Tensors:
    """Return those of a batch (B, C, H, W) that begins at ``start`` whose index is to be kept."""
    indices = [i for i in range(start, start + len(attacked)) if i in keep]
    images = attacked[[i - start for i in indices]]
    return {"indices": torch.tensor(indices, dtype=torch.long), "images": images}
