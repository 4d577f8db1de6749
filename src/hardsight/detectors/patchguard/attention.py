"""Attention degree and the regularisers that raise it (PatchGuard, section C.2)."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

Regulariser = Literal["none", "kl-mean", "kl-row", "soft-degree"]


def attention_weights(layer: nn.Module, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the attention a layer pays, which fused kernels never write down.

    Args:
        layer: of timm's ``Attention``: ``qkv``, ``q_norm``, ``k_norm``, ``num_heads``, ``scale``.
        x: (B, N, D) what the layer was given.
        mask: (N, N) bool, true where attention is allowed; None: everywhere.

    Returns:
        (B, heads, N, N), each row a distribution over the tokens attended to; without dropout.
    """
    parts: Any = layer
    b, n, _ = x.shape
    qkv = parts.qkv(x).view(b, n, 3, parts.num_heads, -1).permute(2, 0, 3, 1, 4)
    q, k = parts.q_norm(qkv[0]), parts.k_norm(qkv[1])
    logits = (q * parts.scale @ k.transpose(-2, -1)).float()
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    found: Tensor = logits.softmax(-1)
    return found


@contextmanager
def overheard(layers: Sequence[nn.Module]) -> Iterator[dict[nn.Module, Tensor]]:
    """Collect what each of the layers is given meanwhile."""
    heard: dict[nn.Module, Tensor] = {}

    def listen(layer: nn.Module, given: tuple[Any, ...]) -> None:
        heard[layer] = given[0]

    handles = [layer.register_forward_pre_hook(listen) for layer in dict.fromkeys(layers)]
    try:
        yield heard
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
    """(B,) KL divergence of the rows from the uniform distribution, averaged over rows and heads.

    ``sum_j u (log u - log(A_ij + 1e-8))``, u = 1 / N. ``delta`` and ``tau`` do nothing.
    """
    u = 1 / attention.shape[-1]
    return u * (math.log(u) - (attention + 1e-8).log()).sum(-1).flatten(1).mean(1)


def kl_mean(attention: Tensor, delta: float = 1.0, tau: float = 0.25) -> Tensor:
    """(B,) the same as PatchGuard's code has it: averaged over columns too, N times smaller."""
    return kl_row(attention) / attention.shape[-1]


def degree_loss(attention: Tensor, delta: float = 1.0, tau: float = 0.25) -> Tensor:
    """(B,) one minus the mean soft degree as a share of all tokens, in [0, 1]."""
    return 1 - soft_degree(attention, delta, tau).flatten(1).mean(1) / attention.shape[-1]


REGULARISERS: dict[str, Callable[[Tensor, float, float], Tensor]] = {
    "kl-mean": kl_mean,
    "kl-row": kl_row,
    "soft-degree": degree_loss,
}
"""Name -> (attention (B, heads, N, N), delta, tau) -> (B,), to be made small."""
