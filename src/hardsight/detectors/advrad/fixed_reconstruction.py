"""The painter: an attacker who fools no network, and moves what it is compared with."""

import torch
from torch import Tensor


def painted(images: Tensor, r: Tensor, labels: Tensor, eps: float) -> Tensor:
    """Move every pixel away from its reconstruction on normal images, else towards it.

    Args:
        images: (B, C, H, W) in [0, 1].
        r: (B, draws, C, H, W) their reconstructions, which are thought to stay as they are.
        labels: (B,) bool, true = anomalous.
        eps: how far at most, in [0, 1] pixel units.
    """
    difference = images - r.mean(1)
    towards = images - difference.sign() * difference.abs().clamp(max=eps)
    away = images + eps * difference.sign()
    return torch.where(labels.view(-1, 1, 1, 1), towards, away).clamp(0, 1)
