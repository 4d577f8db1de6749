"""The contract of every classifier trained here."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Classifier(nn.Module, ABC):
    """Images (B, C, H, W) in [0, 1] -> logits (B, classes).

    Normalisation is inside, so that every eps is in pixel units.

    Args:
        classes: how many.
        mean, std: of each channel, subtracted from the images and divided by.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, classes: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if classes < 2:
            raise ValueError(f"classes must be at least 2, got {classes}")
        if len(mean) != len(std) or not all(s > 0 for s in std):
            raise ValueError(
                f"mean and std must have one number a channel, std positive, got {mean} and {std}"
            )
        self.classes = classes
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Return the logits (B, classes) of normalised images (B, C, H, W)."""

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """JSON-able; ``build_classifier(config)`` returns the same architecture."""

    @property
    def settings(self) -> dict[str, Any]:
        """What decides its answers besides weights, the normalisation among it: ``config``."""
        return self.config

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, classes) of images (B, C, H, W) in [0, 1]."""
        if images.ndim != 4 or images.shape[1] != self.mean.shape[1]:
            raise ValueError(
                f"images must have shape (B, {self.mean.shape[1]}, H, W), got {tuple(images.shape)}"
            )
        x = (images - self.mean) / self.std
        return self.logits(x.contiguous(memory_format=torch.channels_last))  # the faster layout

    @property
    def shared_config(self) -> dict[str, Any]:
        """The part of ``config`` that every classifier has."""
        mean, std = (v.flatten().tolist() for v in (self.mean, self.std))
        return {"classes": self.classes, "mean": mean, "std": std}
