"""Modules for a while: in a mode, or with first weights that a seed decides."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import nn

Mode = Literal["train", "eval"]


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
    """Let the seed alone decide first weights, and leave the global generator as it was."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        yield
