"""Checkpoints that survive: one safetensors file each, written atomically, never a pickle."""

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from hardsight.core.explained import ExplainedError

_log = logging.getLogger(__name__)
_NAME = re.compile(r"step-(\d+)\.safetensors")
_KEPT = 2


class CheckpointError(ExplainedError):
    """A checkpoint could not be written or does not fit; the message says what stands."""


class Checkpoint(NamedTuple):
    """What a checkpoint file holds."""

    path: Path
    step: int
    tensors: dict[str, Tensor]
    info: dict[str, Any]
    """JSON: the settings of the run and whatever else its loop must know."""

    def part(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors named ``prefix.*``, without the prefix."""
        start = f"{prefix}."
        return {k.removeprefix(start): v for k, v in self.tensors.items() if k.startswith(start)}


def save(folder: Path, step: int, tensors: Mapping[str, Tensor], info: Mapping[str, Any]) -> Path:
    """Write ``step-<step>.safetensors`` atomically, then drop all but the last two.

    The JSON of ``info`` travels in the file's header: there is no moment at which one half of a
    checkpoint exists without the other.

    Raises:
        CheckpointError: the file could not be written (no space, no permission). The checkpoints
            that were there before stand, and the half-written file is gone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = path_of(folder, step)
    temporary = path.with_suffix(".part")
    held = {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}
    header = {"hardsight": json.dumps({"step": step, **info})}
    try:
        for stale in folder.glob("step-*.part"):
            stale.unlink()
        save_file(held, temporary, metadata=header)
        _sync(temporary)
        temporary.replace(path)
        _sync(folder)
    except (OSError, SafetensorError) as error:
        temporary.unlink(missing_ok=True)
        raise CheckpointError(_cannot_write(path, held, error)) from error
    earlier = [p for p in _files(folder) if _step(p) <= step]
    for old in earlier[:-_KEPT]:
        old.unlink()
    return path


def path_of(folder: Path, step: int) -> Path:
    """Return where the checkpoint of a step is written."""
    return folder / f"step-{step:08d}.safetensors"


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: it is unreadable, half-written or not a checkpoint of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            info = json.loads((file.metadata() or {})["hardsight"])
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
        return Checkpoint(path, info.pop("step"), tensors, info)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(f"cannot read the checkpoint {path}: {error!r}") from error


def readable(folder: Path) -> Iterator[Checkpoint]:
    """Yield the readable checkpoints, newest first; warn of each one skipped."""
    for path in reversed(_files(folder)):
        try:
            yield load(path)
        except CheckpointError as error:
            _log.warning("%s; trying the one before", error)


def latest(folder: Path) -> Checkpoint | None:
    """Return the newest readable checkpoint, None if there is none; see ``readable``."""
    return next(readable(folder), None)


def exists(folder: Path) -> bool:
    """Tell whether there is any checkpoint file, readable or not."""
    return bool(_files(folder))


def load_into(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load weights into a module.

    Raises:
        CheckpointError: names or shapes differ; the message lists them.
    """
    own = module.state_dict()
    problems = []
    if missing := sorted(own.keys() - tensors.keys()):
        problems.append(f"it lacks {_some(missing)}")
    if surplus := sorted(tensors.keys() - own.keys()):
        problems.append(f"the model has no {_some(surplus)}")
    shapes = [
        f"{k} ({tuple(tensors[k].shape)}, not {tuple(own[k].shape)})"
        for k in sorted(own.keys() & tensors.keys())
        if tensors[k].shape != own[k].shape
    ]
    if shapes:
        problems.append(f"shapes differ: {_some(shapes)}")
    if problems:
        raise CheckpointError(
            f"{path} does not fit the {type(module).__name__}: {'; '.join(problems)}. "
            "Build the model with the settings it was trained with."
        )
    module.load_state_dict(dict(tensors))


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's state as ``<parameter index>.<name>`` tensors."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": value for index, slots in state.items() for name, value in slots.items()
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Undo ``optimizer_tensors``; learning rates and the like stay the optimiser's own."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _files(folder: Path) -> list[Path]:
    """List the checkpoint files of a folder, oldest first."""
    return sorted((p for p in folder.glob("step-*") if _NAME.fullmatch(p.name)), key=_step)


def _step(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, tensors: Mapping[str, Tensor], error: Exception) -> str:
    needed = sum(v.numel() * v.element_size() for v in tensors.values()) / 2**20
    free = shutil.disk_usage(path.parent).free / 2**20
    before = _files(path.parent)
    stands = f"the checkpoint {before[-1]} stands" if before else "there is no earlier checkpoint"
    return (
        f"cannot write the checkpoint {path}: {error}. It needs {needed:.1f} MiB, {free:.1f} MiB "
        f"are free; {stands}. Make room, then resume."
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
