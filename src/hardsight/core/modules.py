"""Modules: in a mode for a while, with first weights that a seed decides, and sharing weights."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from torch import nn

from hardsight.core.global_generators import kept_generators, seed_generators

Mode = Literal["train", "eval"]
M = TypeVar("M", bound=nn.Module)


@contextmanager
def in_mode(mode: Mode, *modules: nn.Module) -> Iterator[None]:
    """Put modules in train or eval mode meanwhile; each of their parts then gets its own back."""
    parts = [(m, m.training) for module in modules for m in module.modules()]
    for module in modules:
        module.train(mode == "train")
    try:
        yield
    finally:
        for m, before in parts:
            m.training = before


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let the seed alone decide first weights, and leave the global generators as they were.

    First weights are drawn on the CPU, wherever a model goes afterwards: its generator alone is
    seeded.
    """
    with kept_generators():
        seed_generators(seed)
        yield


def check_numbers(module: nn.Module, path: str | Path) -> None:
    """Refuse a module whose weights or buffers hold NaN: its file is damaged, or a fit diverged.

    Args:
        module: that was loaded.
        path: of the file, for the message.

    Raises:
        ValueError: naming the tensors.
    """
    found = [k for k, v in module.state_dict().items() if v.is_floating_point() and v.isnan().any()]
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise ValueError(
            f"{path} holds NaN in {', '.join(found[:3])}{more}: it is damaged, or its fit "
            "diverged; fit again"
        )


def sharing(module: M) -> M:
    """Return a shallow copy of a module: the same parts and weights, in registers of its own.

    What is assigned to the copy leaves the module as it is; what changes a weight changes both.
    """
    found = copy.copy(module)
    for register in ("_parameters", "_buffers", "_modules"):
        found.__dict__[register] = dict(module.__dict__[register])
    return found
