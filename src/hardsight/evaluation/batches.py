"""Resumable batches: what is finished is kept, so that a killed run goes on where it was."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from hardsight.core.engine import HERE, Engine, K, Tell, in_order
from hardsight.core.files import write_tensors

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Resumable:
    """How batches are made, and where finished ones are kept.

    Args:
        folder: where they are kept by name; None keeps nothing.
        deadline: ``time.monotonic()`` after which no further batch is begun.
        engine: makes them.
    """

    folder: Path | None = None
    deadline: float = math.inf
    engine: Engine = HERE

    def each(
        self,
        make: Callable[..., Tensors],
        batches: Iterable[tuple[str, K]],
        heard: Tell | None = None,
    ) -> Iterator[Tensors]:
        """Yield each batch in order, on the CPU, until time runs out.

        Args:
            make: key -> batch; it and the keys can be pickled.
            batches: the name and the key of each.
            heard: is told what ``make`` tells by its argument ``tell``; None: it has no such one.
        """
        named = [(self._place(name), key) for name, key in batches]
        kept = [path is not None and _whole(path) for path, _ in named]
        due = [one for one, there in zip(named, kept, strict=True) if not there]
        made = in_order(self._made(make, due, heard))
        for (path, _), there in zip(named, kept, strict=True):
            found = load_file(path) if path and there else next(made, None)
            if found is None:
                return
            yield found

    def keeps(self, name: str) -> bool:
        """Tell whether a batch of this name is kept, so that it is not made again.

        A damaged file, as after a loss of power, is not.
        """
        path = self._place(name)
        return path is not None and _whole(path)

    def _made(
        self, make: Callable[..., Tensors], due: list[tuple[Path | None, K]], heard: Tell | None
    ) -> Iterator[tuple[int, Tensors]]:
        """Yield place and tensors of batches as they are finished, once they are kept."""
        keys = takewhile(lambda _: time.monotonic() <= self.deadline, (key for _, key in due))
        work = partial(_on_cpu, make, heard is not None)
        listens = (lambda place, *event: heard(*event)) if heard else _unheard
        for place, found in self.engine.run(work, keys, listens):
            path = due[place][0]
            if path is not None:
                write_tensors(path, found)
            yield place, found

    def _place(self, name: str) -> Path | None:
        return self.folder / f"{name}.safetensors" if self.folder else None


def _whole(path: Path) -> bool:
    """Tell whether a file is there and holds tensors; its header says how long it must be."""
    try:
        with safe_open(path, "pt"):
            return True
    except (FileNotFoundError, SafetensorError):
        return False


def _on_cpu(make: Callable[..., Tensors], tells: bool, key: K, tell: Tell) -> Tensors:
    """Make a batch."""
    found = make(key, tell=tell) if tells else make(key)
    return {k: v.cpu().contiguous() for k, v in found.items()}


def _unheard(*event: object) -> None:
    """Hear nothing."""


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
