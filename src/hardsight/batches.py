"""One value per image beside tensors of whole batches."""

import torch
from torch import Tensor


def per_image(values: Tensor, like: Tensor) -> Tensor:
    """Return (B,) as (B, 1, ...), 0-d as (1, 1, ...), with the rank, dtype and device of like."""
    return values.to(like.dtype).to(like.device).reshape(-1, *[1] * (like.ndim - 1))


def choose(mask: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Return, for each image, ``yes`` where the mask (B,) bool is true and ``no`` elsewhere."""
    return torch.where(mask.view(-1, *[1] * (yes.ndim - 1)), yes, no)
