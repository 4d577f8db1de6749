"""The generator and the discriminator of OCR-GAN."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from hardsight.detectors.autoencoders.bands import frequency_bands
from hardsight.detectors.autoencoders.channel_selection import ChannelSelection
from hardsight.detectors.autoencoders.network import Architecture, Autoencoder, Encoder


class BandGenerator(nn.Module):
    """Reconstruct images band by band: an autoencoder each, which share channels on the way.

    Liang et al. (2023), without the skips of their U-Nets, over which defects pass.

    Args:
        architecture: of each autoencoder.
        bands: see ``frequency_bands``.
    """

    def __init__(self, architecture: Architecture, bands: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(Autoencoder(architecture) for _ in range(bands))
        self.selections = nn.ModuleList(
            ChannelSelection(bands, width) for width in architecture.widths
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstructions of images (B, 3, H, W), the sum of those of their bands."""
        branches = cast(Sequence[Autoencoder], self.branches)
        features = frequency_bands(images, len(branches))
        for level, select in enumerate(self.selections):
            stages = [branch.encoder.stages[level] for branch in branches]
            features = select([stage(x) for stage, x in zip(stages, features, strict=True)])
        made = [
            branch.decoder(branch.encoder.head(x)).to(images.dtype)
            for branch, x in zip(branches, features, strict=True)
        ]
        return torch.stack(made).sum(0)


class Discriminator(nn.Module):
    """Tell images from reconstructions by the features of their places."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.encoder = Encoder(architecture)
        self.logit = nn.Conv2d(architecture.latent, 1, 1)

    def features(self, images: Tensor) -> Tensor:
        """Return the features (B, latent, h, w) of images (B, 3, H, W), in their precision."""
        features: Tensor = self.encoder(images)
        return features.to(images.dtype)

    def judge(self, features: Tensor) -> Tensor:
        """Return the logits (B,) of features (B, latent, h, w), above 0 for those of an image."""
        logits: Tensor = self.logit(features).mean((1, 2, 3))
        return logits
