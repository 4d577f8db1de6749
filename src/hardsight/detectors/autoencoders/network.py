"""The convolutional encoder and decoder that all autoencoders here are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Self

from torch import Tensor, nn

_GROUPS = 4
"""Groups of the normalisation, which is each image's own: a score does not depend on the batch."""


@dataclass(frozen=True)
class Architecture:
    """Size an encoder and its decoder.

    Raises:
        ValueError: a value out of its range.
    """

    channels: int = 16
    """Channels of the first level, a multiple of 4; each further one has twice as many."""
    widest: int = 128
    """Channels that no level exceeds, a multiple of 4."""
    levels: int = 5
    """Halvings of the image."""
    latent: int = 64
    """Channels of the latent grid."""

    def __post_init__(self) -> None:
        for name in ("channels", "widest"):
            if (value := getattr(self, name)) < 1 or value % _GROUPS:
                raise ValueError(f"{name} must be a multiple of {_GROUPS}, got {value}")
        if self.levels < 1 or self.latent < 1:
            raise ValueError(
                f"need levels >= 1 and latent >= 1, got {self.levels} and {self.latent}"
            )

    @classmethod
    def of(cls, given: Mapping[str, int] | None, image_size: int) -> Self:
        """Return the architecture with ``given`` in place of the defaults.

        Raises:
            ValueError: an unknown name, or an image that cannot be halved so often.
        """
        names = [f.name for f in fields(cls)]
        if unknown := sorted((given or {}).keys() - set(names)):
            raise ValueError(f"network has no {', '.join(unknown)}; known are {', '.join(names)}")
        found = cls(**given or {})
        if image_size % 2**found.levels:
            raise ValueError(
                f"image_size={image_size} is not a multiple of {2**found.levels}; "
                "take another size, or fewer levels"
            )
        return found

    @property
    def widths(self) -> list[int]:
        """Channels of each level, that of the largest grid first."""
        return [min(self.channels * 2**i, self.widest) for i in range(self.levels)]

    def grid(self, image_size: int) -> int:
        """Return the side of the latent grid."""
        return image_size >> self.levels


class Encoder(nn.Module):
    """From images to a latent grid: strided convolutions, each halving the grid."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        widths = architecture.widths
        self.stages = nn.ModuleList(
            _normalised(nn.Conv2d(a, b, 4, stride=2, padding=1), b)
            for a, b in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.head = nn.Conv2d(widths[-1], architecture.latent, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return latents (B, latent, h, w) of images (B, 3, H, W)."""
        x = images
        for stage in self.stages:
            x = stage(x)
        latents: Tensor = self.head(x)
        return latents


class Decoder(nn.Module):
    """From a latent grid to images, unclamped: transposed convolutions, each doubling the grid."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        widths = architecture.widths[::-1]
        stem = nn.Conv2d(architecture.latent, widths[0], 3, padding=1)
        self.stages = nn.Sequential(
            _normalised(stem, widths[0]),
            *(
                _normalised(nn.ConvTranspose2d(a, b, 4, stride=2, padding=1), b)
                for a, b in pairwise(widths)
            ),
        )
        self.head = nn.ConvTranspose2d(widths[-1], 3, 4, stride=2, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """Return images (B, 3, H, W) of latents (B, latent, h, w)."""
        images: Tensor = self.head(self.stages(latents))
        return images


class Autoencoder(nn.Module):
    """An encoder and a decoder."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.encoder = Encoder(architecture)
        self.decoder = Decoder(architecture)

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstructions of images (B, 3, H, W), in the images' precision."""
        r: Tensor = self.decoder(self.encoder(images))
        return r.to(images.dtype)


def _normalised(convolution: nn.Module, channels: int) -> nn.Sequential:
    """Return a convolution, group normalisation and a smooth activation."""
    return nn.Sequential(convolution, nn.GroupNorm(_GROUPS, channels), nn.SiLU())
