"""One number per image beside tensors of whole batches."""

import torch
from torch import Tensor


def per_image(values: Tensor, like: Tensor) -> Tensor:
    """(B,) -> (B, 1, ...) with as many dimensions as ``like``."""
    return values.view(-1, *[1] * (like.ndim - 1))


def choose(mask: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Return, for each image, ``yes`` where the mask (B,) is true and ``no`` elsewhere."""
    return torch.where(per_image(mask, yes), yes, no)
