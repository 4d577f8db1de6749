"""The few values that every room hands to the next, and the checks at the public boundary."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Detection(NamedTuple):
    """What a detector says about a batch; named as in anomalib's InferenceBatch."""

    pred_score: Tensor
    """(B,) higher is more anomalous."""
    anomaly_map: Tensor
    """(B, 1, H, W) higher is more anomalous."""
    pred_label: Tensor | None = None
    """(B,) bool, true = anomalous; None until a threshold is calibrated."""
    pred_mask: Tensor | None = None
    """(B, 1, H, W) bool; None until a map threshold is calibrated."""


class AttackResult(NamedTuple):
    """What an attack found for a batch."""

    images: Tensor
    """(B, C, H, W) in [0, 1], inside the ball round the clean images."""
    objective: Tensor
    """(B,) the objective the attacker maximised, at the returned images."""
    queries: int
    """Evaluations of the objective, each on the whole batch."""


def check_images(images: Tensor, name: str = "images") -> Tensor:
    """Return ``images`` if it is a finite float batch (B, C, H, W) in [0, 1]; else explain.

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: wrong shape, an empty batch, values outside [0, 1] or not finite.
    """
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"{name} must be a float tensor in [0, 1], got {kind}; divide uint8 by 255")
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"{name} must have shape (B, C, H, W), got {tuple(images.shape)}; "
            "add a batch dimension with image[None] if it is a single image"
        )
    low, high = (float(v) for v in torch.aminmax(images.detach()))
    if not (low >= -1e-6 and high <= 1 + 1e-6):  # false for NaN too
        raise ValueError(f"{name} must be finite and in [0, 1], got values in [{low:g}, {high:g}]")
    return images


class Progress(Protocol):
    """What long work tells about itself; the command line draws bars of it."""

    def __call__(self, stage: str, done: int, total: int, info: str = "") -> None:
        """``done`` of ``total`` units of ``stage`` are finished."""
        ...


def quiet(stage: str, done: int, total: int, info: str = "") -> None:
    """A Progress that says nothing."""
