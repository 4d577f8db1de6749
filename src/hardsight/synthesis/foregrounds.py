"""The ways to find the foreground, by name."""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from hardsight.synthesis.activation import activation_foreground, attribution
from hardsight.synthesis.foreground import foreground

Foreground = Literal["grad-cam", "saliency", "all"]


def find_foreground(method: Foreground, images: Tensor, weights: str | Path = "bundled") -> Tensor:
    """Return where the object lies in normal images of one category.

    Args:
        method: "grad-cam" (PatchGuard; by a pretrained classifier), "saliency" (distance from the
            border's colour and local contrast; needs no weights) or "all" (textures).
        images: (N, 3, H, W) uint8 or float in [0, 1].
        weights: of the classifier, see ``activation_foreground``.

    Returns:
        (N, 1, H, W) bool; no image's mask is empty. To be looked at: ``foreground_sheet``.
    """
    if method == "grad-cam":
        return activation_foreground(images, weights)
    if method == "saliency":
        return foreground(images)
    if method == "all":
        return torch.ones_like(images[:, :1], dtype=torch.bool)
    raise ValueError(f"foreground={method!r} is not known; choose from grad-cam, saliency, all")


def demand_foreground(method: Foreground) -> None:
    """Refuse a method that cannot be used here, before what comes first.

    Raises:
        ImportError: "grad-cam", and the extra ``gradcam`` is not installed.
    """
    if method == "grad-cam":
        attribution()
