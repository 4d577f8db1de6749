"""Resumable batches: what is finished is kept, so that a killed run goes on where it was."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from hardsight.core.files import write_tensors

Tensors = dict[str, Tensor]


def resumed(
    work: Iterable[tuple[str, Callable[[], Tensors]]],
    folder: Path | None = None,
    deadline: float = math.inf,
) -> Iterator[Tensors]:
    """Yield each batch, on the CPU, until time runs out.

    Args:
        work: the name of each batch, and what makes it.
        folder: where finished batches are kept by name; None keeps nothing.
        deadline: ``time.monotonic()`` after which no further batch is begun.
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


def kept_images(batch: Tensor, start: int, keep: frozenset[int]) -> Tensors:
    """Return those of a batch (B, C, H, W) that begins at ``start`` whose index is to be kept."""
    indices = [i for i in range(start, start + len(batch)) if i in keep]
    images = batch[[i - start for i in indices]]
    return {"indices": torch.tensor(indices, dtype=torch.long), "images": images}


def deadline(max_minutes: float | None) -> float:
    """Return the ``time.monotonic()`` after which nothing more is begun; infinite for None.

    Raises:
        ValueError: a negative time, or none (NaN).
    """
    if max_minutes is None:
        return math.inf
    if not max_minutes >= 0:
        raise ValueError(f"max_minutes must be 0 or more, got {max_minutes}; leave it out for ever")
    return time.monotonic() + 60 * max_minutes


def minutes_until(moment: float) -> float | None:
    """Return the minutes until a ``deadline``, 0 once it has passed; None for an infinite one."""
    return None if math.isinf(moment) else max(0.0, moment - time.monotonic()) / 60
