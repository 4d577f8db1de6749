"""Attention that is written down, its degree, and what raises it (PatchGuard, section C.2)."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

Regulariser = Literal["none", "kl-mean", "kl-row", "soft-degree"]


@contextmanager
def recorded_inputs(layers: Iterable[nn.Module]) -> Iterator[dict[nn.Module, Tensor]]:
    """Record the first input of each layer, of the forward passes meanwhile the last."""
    inputs: dict[nn.Module, Tensor] = {}

    def record(layer: nn.Module, given: tuple[Any, ...]) -> None:
        inputs[layer] = given[0]

    handles = [layer.register_forward_pre_hook(record) for layer in dict.fromkeys(layers)]
    try:
        yield inputs
    finally:
        for handle in handles:
            handle.remove()


def attention_degree(attention: Tensor, delta: float = 1.0) -> Tensor:
    """Return how many tokens each token attends to (PatchGuard, section C.2).

    Args:
        attention: (B, heads, N, N).
        delta: a token counts whose weight exceeds ``delta / N``. The paper's 1/256, at 256
            patches, is 1; its larger 2/256 is 2. Even attention is on the edge: at 1 it counts as
            none, and a class token takes a share besides.

    Returns:
        (B, heads, N) int64.
    """
    return (attention > delta / attention.shape[-1]).sum(-1)


def soft_degree(attention: Tensor, delta: float = 1.0, tau: float = 0.25) -> Tensor:
    """Return a differentiable attention degree: a sigmoid of width ``tau / N`` for the step.

    Its limit at 0 is ``attention_degree``. A ``tau`` well above ``delta`` makes it linear, and the
    sum over a row, which is one, then says nothing: the 0.01 of PatchGuard's unused code, 2.56 in
    these units, is such a one.

    Shape:
        attention (B, heads, N, N) -> (B, heads, N).
    """
    return torch.sigmoid((attention * attention.shape[-1] - delta) / tau).sum(-1)


def kl_row(attention: Tensor, delta: float = 1.0, tau: float = 0.25) -> Tensor:
    """Return the rows' KL divergence (B,) from the uniform one, averaged over rows and heads.

    ``sum_j u (log u - log(A_ij + 1e-8))``, u = 1 / N. ``delta`` and ``tau`` do nothing.
    """
    u = 1 / attention.shape[-1]
    return u * (math.log(u) - (attention + 1e-8).log()).sum(-1).flatten(1).mean(1)


def kl_mean(attention: Tensor, delta: float = 1.0, tau: float = 0.25) -> Tensor:
    """Return (B,) the same as PatchGuard's code has it: over columns too, N times smaller."""
    return kl_row(attention) / attention.shape[-1]


def degree_loss(attention: Tensor, delta: float = 1.0, tau: float = 0.25) -> Tensor:
    """Return (B,) one minus the mean soft degree as a share of all tokens, in [0, 1]."""
    return 1 - soft_degree(attention, delta, tau).flatten(1).mean(1) / attention.shape[-1]


REGULARISERS: dict[str, Callable[[Tensor, float, float], Tensor]] = {
    "kl-mean": kl_mean,
    "kl-row": kl_row,
    "soft-degree": degree_loss,
}
"""Name -> (attention (B, heads, N, N), delta, tau) -> (B,), to be made small."""
