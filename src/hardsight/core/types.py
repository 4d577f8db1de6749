"""The few values that every room hands to the next, and the checks at the public boundary."""

from typing import NamedTuple

import torch
from numpy.typing import ArrayLike
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
    nonfinite: Tensor
    """(B,) bool, the images at which a gradient was NaN or infinite, so that the attack did less
    than it could."""

    @classmethod
    def gradient_free(cls, images: Tensor, objective: Tensor, queries: int) -> "AttackResult":
        """Return what was found without any gradient."""
        return cls(images, objective, queries, torch.zeros_like(objective, dtype=torch.bool))


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


def check_labels(labels: ArrayLike | Tensor, name: str = "labels") -> Tensor:
    """Return labels (B,) as bool, true = anomalous; else explain.

    Args:
        labels: (B,) booleans, or integers 0 and 1: a tensor, an array or a list.
        name: of the argument, for the message.

    Raises:
        TypeError: nothing that a tensor can be made of.
        ValueError: another shape, no label, or values other than booleans or integers 0 and 1.
    """
    found = _binary(labels, name)
    if found.ndim != 1 or len(found) == 0:
        raise ValueError(
            f"{name} must have shape (B,), one label an image, got {tuple(found.shape)}"
        )
    return found


def check_masks(masks: ArrayLike | Tensor, name: str = "masks") -> Tensor:
    """Return masks (B, 1, H, W) as bool, true = anomalous; as ``check_labels`` else."""
    found = _binary(masks, name)
    if found.ndim != 4 or found.shape[1] != 1 or 0 in found.shape:
        raise ValueError(
            f"{name} must have shape (B, 1, H, W), got {tuple(found.shape)}; "
            f"add the channel with {name}[:, None] if it lacks"
        )
    return found


def check_classes(classes: ArrayLike | Tensor, name: str = "labels") -> Tensor:
    """Return classes (B,) as int64; else explain.

    Args:
        classes: (B,) integers from 0 on: a tensor, an array or a list.
        name: of the argument, for the message.

    Raises:
        TypeError: nothing that a tensor can be made of.
        ValueError: another shape, no class, one below 0, or values that are no integers.
    """
    found = _tensor(classes, name, "one integer class per image")
    if found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
        raise ValueError(f"{name} must be one integer class per image, (B,), got {found.dtype}")
    if found.ndim != 1 or len(found) == 0:
        raise ValueError(
            f"{name} must be one integer class per image, (B,), got {tuple(found.shape)}"
        )
    if bool((found < 0).any()):
        raise ValueError(f"{name} must be classes from 0 on, got {int(found.min())}")
    return found.long()


def _binary(values: ArrayLike | Tensor, name: str) -> Tensor:
    """Return booleans, or integers 0 and 1, as a bool tensor."""
    found = _tensor(values, name, "booleans or 0 and 1")
    if found.is_floating_point() or found.is_complex():
        raise ValueError(
            f"{name} must be booleans or 0 and 1, got {found.dtype}; compare first: {name} > 0.5"
        )
    odd = found[(found != 0) & (found != 1)]
    if len(odd):
        raise ValueError(
            f"{name} must be booleans or 0 and 1, got {odd[0].item()}; compare first: {name} > 0"
        )
    return found.bool()


def _tensor(values: ArrayLike | Tensor, name: str, wanted: str) -> Tensor:
    """Return a tensor of what may be an array or a list."""
    try:
        return torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name} must be {wanted}, got {type(values).__name__} ({error})"
        ) from error
