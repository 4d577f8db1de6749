"""The weights that are trained, in groups that learn at shares of the learning rate."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

from hardsight.training.settings import Settings

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
}
"""Name in ``Settings`` -> optimiser."""


def weight_groups(module: nn.Module, shares: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return an optimiser's groups of the weights that have a gradient, each with its ``share``.

    Args:
        module: what is trained.
        shares: first part of weights' names, e.g. "encoder" -> share; others have 1.

    Raises:
        ValueError: a part that the name of no weight with a gradient begins with.
    """
    groups: dict[str | None, list[nn.Parameter]] = {None: []}
    for name, weight in module.named_parameters():
        if weight.requires_grad:
            part = next((p for p in shares if name.startswith(f"{p}.")), None)
            groups.setdefault(part, []).append(weight)
    unknown = shares.keys() - groups.keys()
    if unknown:
        trained = (name for name, weight in module.named_parameters() if weight.requires_grad)
        parts = sorted({name.partition(".")[0] for name in trained})
        raise ValueError(
            f"lr_shares names {sorted(unknown)}; weights that are trained are of {', '.join(parts)}"
        )
    return [
        {"params": weights, "share": 1.0 if part is None else shares[part]}
        for part, weights in groups.items()
        if weights
    ]


def build_optimizer(
    weights: Iterable[nn.Parameter] | Iterable[dict[str, Any]], settings: Settings
) -> torch.optim.Optimizer:
    """Return the optimiser that settings name, of weights or of groups of them."""
    made = OPTIMIZERS[settings.optimizer]
    return made(weights, lr=settings.lr, weight_decay=settings.weight_decay)
