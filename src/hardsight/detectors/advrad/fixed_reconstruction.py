"""The fixed-reconstruction attack: it moves images as if their reconstructions stayed."""

import torch
from torch import Tensor


def attack_fixed_reconstruction(images: Tensor, r: Tensor, labels: Tensor, eps: float) -> Tensor:
    """Move every pixel away from its reconstruction on normal images, else towards it.

    No network need be fooled for it: it bounds what an attack of a perfect denoiser can do.

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
