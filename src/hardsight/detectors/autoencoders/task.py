"""The task of training an autoencoder on normal images."""

from typing import Protocol, cast

import torch
from torch import Generator, Tensor, nn

from hardsight.augment import AugmentationPolicy
from hardsight.core.seeds import draw_seeds, generator_of
from hardsight.data import sheet


class Reconstructor(Protocol):
    """A detector that compares images with reconstructions of them."""

    def prepare(self, images: Tensor) -> Tensor:
        """Return stored images as the detector takes them."""

    def reconstruct(self, images: Tensor) -> Tensor:
        """Return the reconstructions (B, 1, 3, H, W) of images (B, 3, H, W)."""


class Loss(Protocol):
    """What training minimises."""

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        """Return (B,) of normal images (B, 3, H, W) in [0, 1]."""


class AutoencoderTask:
    """Draws normal images and a seed each; the rest of a step follows from them, on the device.

    Args:
        detector: what is trained.
        images: (N, 3, H, W) uint8, normal.
        policy: how they are changed.
        loss: what is minimised, of the detector.
    """

    def __init__(
        self, detector: nn.Module, images: Tensor, policy: AugmentationPolicy, loss: Loss
    ) -> None:
        self.module = detector
        self.images, self.policy, self._loss = images, policy, loss

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, H, W) uint8, seeds (B,))."""
        (images,) = self.policy.drawn(size, generator, self.images)
        return images, draw_seeds(size, generator)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean loss of the images of a batch, uint8, and their seeds."""
        images, seeds = batch
        generator = generator_of(seeds, images.device)
        return self._loss(images.float() / 255, generator).mean()

    @torch.no_grad()
    def sample(self, module: nn.Module) -> Tensor:
        """Return a picture (3, h, w): normal images above their reconstructions."""
        detector = cast(Reconstructor, module)
        x = detector.prepare(self.images[:8])
        return sheet(x, detector.reconstruct(x).squeeze(1).clamp(0, 1))
