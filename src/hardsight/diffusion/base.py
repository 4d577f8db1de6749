"""The one contract behind every use of diffusion: a denoiser."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from hardsight.diffusion.schedule import Schedule


class Prediction(NamedTuple):
    """What a denoiser says about x_t."""

    x0: Tensor
    """(B, C, H, W) the predicted clean image in [-1, 1], not clamped."""
    log_variance: Tensor | None
    """(B, C, H, W) of p(x_{t-1} | x_t); None where it is not learned: use the posterior's."""


class Denoiser(nn.Module, ABC):
    """Predicts the clean image from a noisy one.

    Images are (B, C, H, W) in [-1, 1]; t is an int or (B,) int64 in 1..T. Nothing clamps, so
    gradients reach x_t everywhere. A subclass writes ``forward`` (and ``predict`` if it learns the
    variance); to be trained and stored also ``draw``, ``training_loss`` and ``config``.
    """

    schedule: Schedule

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    @abstractmethod
    def forward(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Return the predicted clean image, (B, C, H, W)."""

    def predict(self, x_t: Tensor, t: int | Tensor) -> Prediction:
        """Return the predicted clean image and, where it is learned, the log-variance."""
        return Prediction(self.forward(x_t, t), None)

    def at(self, size: int) -> "Denoiser":
        """Return the same network for images of another side: the weights are shared.

        Raises:
            TypeError: it is tied to its size.
        """
        raise TypeError(f"{type(self).__name__} is tied to the size of its images: it has no at()")

    def draw(self, shape: torch.Size, generator: Generator) -> tuple[Tensor, ...]:
        """Draw the randomness of a training loss for a batch of ``shape`` (B, C, H, W).

        Returns:
            Tensors with leading dimension B, so that a rank may take its own slice of each.
        """
        raise TypeError(f"{type(self).__name__} cannot be trained: it has no draw()")

    def training_loss(self, x0: Tensor, randomness: tuple[Tensor, ...]) -> Tensor:
        """Return the loss of each image, (B,), given what ``draw`` drew."""
        raise TypeError(f"{type(self).__name__} cannot be trained: it has no loss")

    @property
    def config(self) -> dict[str, Any]:
        """JSON-able; ``build_denoiser(config)`` returns the same architecture."""
        raise TypeError(f"{type(self).__name__} has no config and cannot be stored")
