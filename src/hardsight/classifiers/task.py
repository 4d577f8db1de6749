"""The task of training a classifier, plainly or against attacks."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from hardsight.attacks import PGD, CrossEntropyObjective, frozen
from hardsight.core.modules import in_mode
from hardsight.data.labelled import demand_labelled


class ClassificationTask:
    """Draws labelled images; the loss is cross-entropy, of clean images or of attacked ones.

    Args:
        classifier: what is trained; images (B, C, H, W) in [0, 1] -> logits (B, K).
        images: (N, C, H, W) uint8.
        labels: (N,) int64.
        attack: PGD on the cross-entropy of each batch, with the classifier in eval mode (Madry et
            al., 2018); its random start is drawn with the batch. None: plain training.
        pad: crop the images at random after padding them by so many black pixels.
        flip: mirror half of the images.
    """

    def __init__(
        self,
        classifier: nn.Module,
        images: Tensor,
        labels: Tensor,
        attack: PGD | None = None,
        pad: int = 0,
        flip: bool = False,
    ) -> None:
        demand_labelled(images, labels)
        self.module = classifier
        self.images, self.labels = images, labels
        self.attack, self.pad, self.flip = attack, pad, flip

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, C, H, W) uint8, labels (B,), where the attack starts (B, C, H, W))."""
        index = torch.randint(len(self.images), (size,), generator=generator)
        x = augmented(self.images[index], generator, self.pad, self.flip)
        if self.attack is None:
            return x, self.labels[index]
        clean = x.float() / 255
        start = self.attack.ball.random_start(clean, generator)
        return x, self.labels[index], start if self.attack.random_start else clean

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean cross-entropy over the rows of a batch."""
        x, y = batch[0].float() / 255, batch[1]
        if self.attack is not None:
            with frozen(self.module), in_mode("eval", self.module):
                x = self.attack.last(CrossEntropyObjective(self.module, y), x, start=batch[2])
        return F.cross_entropy(self.module(x), y)


def augmented(images: Tensor, generator: Generator, pad: int, flip: bool) -> Tensor:
    """Crop and mirror (B, C, H, W) at random, each image by itself."""
    if pad:
        n, _, h, w = images.shape
        padded = F.pad(images, (pad, pad, pad, pad))
        top, left = (torch.randint(2 * pad + 1, (n,), generator=generator) for _ in range(2))
        rows = (top[:, None] + torch.arange(h))[:, None, :, None]
        columns = (left[:, None] + torch.arange(w))[:, None, None, :]
        channels = torch.arange(images.shape[1])[None, :, None, None]
        images = padded[torch.arange(n)[:, None, None, None], channels, rows, columns]
    if flip:
        chosen = torch.rand(len(images), generator=generator) < 0.5
        images = torch.where(chosen.view(-1, 1, 1, 1), images.flip(3), images)
    return images
