"""Batches: one value per image beside them, and no more of them in a pass than memory holds."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

PIXELS = 2**22
"""Pixels of all images in one pass: four of 1,024 x 1,024, sixty-four of 256 x 256."""


def per_image(values: Tensor, like: Tensor) -> Tensor:
    """Return (B,) as (B, 1, ...), 0-d as (1, 1, ...), with the rank, dtype and device of like."""
    return values.to(like.dtype).to(like.device).reshape(-1, *[1] * (like.ndim - 1))


def at_least_single(x: Tensor) -> Tensor:
    """Return a tensor in single precision where it has less, else as it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def choose(mask: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Return, for each image, ``yes`` where the mask (B,) bool is true and ``no`` elsewhere."""
    return torch.where(mask.view(-1, *[1] * (yes.ndim - 1)), yes, no)


def at_once(shape: Sequence[int], most: int) -> int:
    """Return how many images of a shape (..., H, W) one pass takes: ``most``, or fewer large."""
    return max(1, min(most, PIXELS // (shape[-2] * shape[-1])))


def batched(images: Tensor, most: int) -> tuple[Tensor, ...]:
    """Split images (N, ..., H, W) into batches of ``most``, or of fewer large ones."""
    return torch.split(images, at_once(images.shape, most))


def spread(rows: Tensor, most: int) -> Tensor:
    """Return (N, ...) rows as they are, or ``most`` of more, evenly spread from first to last."""
    if len(rows) <= most:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, most).round().long()]


def in_parts(
    function: Callable[..., Sequence[Tensor | None]], rows: int, *tensors: Tensor | None
) -> tuple[Tensor | None, ...]:
    """Call a function of batches on ``rows`` rows at a time, and put its outputs together.

    Where a gradient is wanted, each part is computed again in the backward pass instead of keeping
    its activations (Chen et al., 2016): the gradient is the exact one, in the memory of one part.
    An exported graph, whose number of rows is open, takes all at once.

    Args:
        function: (n, ...) tensors -> (n, ...) tensors; None stays None, on either side.
        rows: at least 1.
        tensors: (N, ...) each, N >= 1, or None.
    """
    if torch.compiler.is_compiling():
        return tuple(function(*tensors))
    total = next(len(t) for t in tensors if t is not None)
    if total <= rows:
        return tuple(function(*tensors))
    recorded = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
    parts = []
    for i in range(0, total, rows):
        part = [None if t is None else t[i : i + rows] for t in tensors]
        parts.append(
            checkpoint(function, *part, use_reentrant=False) if recorded else function(*part)
        )
    return tuple(
        None if column[0] is None else torch.cat(column) for column in zip(*parts, strict=True)
    )
