"""One of several processes that torchrun began, which train one model together."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from hardsight.training.settings import Settings


class Launched(NamedTuple):
    """A process of a launcher's."""

    rank: int
    """Among all; the first writes and speaks."""
    world: int
    """How many there are."""
    here: int
    """How many of them are on this machine."""


def launched() -> Launched | None:
    """Return which of torchrun's processes this one is; None: it was not begun by torchrun."""
    if not torch.distributed.is_torchelastic_launched():
        return None
    return Launched(*(int(os.environ[n]) for n in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")))


def processes(settings: Settings) -> dict[str, Any]:
    """Return the arguments of a ``Fabric`` that belongs to torchrun's processes.

    Raises:
        ValueError: they cannot have equal shares of a batch.
    """
    from lightning_fabric.strategies import DDPStrategy  # slow to import

    place = launched()
    assert place is not None
    if settings.batch_size % place.world:
        raise ValueError(
            f"batch_size must be a multiple of the {place.world} processes of torchrun, got "
            f"{settings.batch_size}; set training.batch_size"
        )
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    return {
        "accelerator": settings.accelerator,
        "devices": place.here,
        "num_nodes": place.world // place.here,
        "strategy": DDPStrategy(process_group_backend=backend),
    }


@contextmanager
def own_folder(folder: Path, settings: Settings) -> Iterator[Path]:
    """Yield where this process keeps a run: the first in its folder, others in a passing copy.

    So all of them do the same from the same state, and one of them is seen to. A process that
    torchrun did not begin is the first.

    Args:
        folder: of the run; whether it is there or not, it must be the same for all processes.
        settings: of the training.
    """
    place = launched()
    if place is None:
        yield folder
        return
    from lightning_fabric import Fabric

    Fabric(**processes(settings)).launch()
    try:
        with tempfile.TemporaryDirectory(prefix="hardsight-") as passing:
            copy = Path(passing) / folder.name
            if place.rank and folder.exists():
                shutil.copytree(folder, copy)
            torch.distributed.all_reduce(torch.zeros(1))  # all have their copy
            yield copy if place.rank else folder
    finally:
        torch.distributed.destroy_process_group()
