"""What features are attacked on: the discriminator that judges them."""

import torch
from torch import Generator, Tensor, nn

from hardsight.attacks import frozen, value_and_gradient
from hardsight.core.modules import in_mode


class FeatureObjective:
    """Raise the logits of normal patches, lower those of anomalous ones.

    For a patch alone the gradient has the direction of the cross-entropy's, and never fades.

    Args:
        discriminator: features (B, C, h, w) -> logits (B, 1, h, w), above 0 anomalous.
        anomalous: (B, 1, h, w) bool of the patches.
    """

    def __init__(self, discriminator: nn.Module, anomalous: Tensor) -> None:
        self.model, self.sign = discriminator, 1.0 - 2.0 * anomalous.float()

    def __call__(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of features (B, C, h, w)."""
        logits: Tensor = self.model(images).to(images.dtype)
        return (self.sign.to(logits) * logits).flatten(1).mean(1)

    def gradient(self, features: Tensor) -> Tensor:
        """Return the gradient (B, C, h, w), the discriminator in eval mode."""
        with in_mode("eval", self.model), frozen(self.model):
            return value_and_gradient(self, features)[1]


def rms(x: Tensor) -> Tensor:
    """Return the root mean square (B, 1, h, w) over the channels of (B, C, h, w), never zero."""
    return x.square().mean(1, keepdim=True).sqrt().clamp_min(torch.finfo(x.dtype).tiny)
