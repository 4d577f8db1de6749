"""The normal images that a discriminative detector is trained on, and what to lay on them."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hardsight.augment import Augment, AugmentationPolicy
from hardsight.data.textures import TEXTURES, photograph
from hardsight.synthesis import Foreground, PerlinTextures, find_foreground


@dataclass(frozen=True, eq=False)
class Normals:
    """Training images of one category, their foregrounds, and photographs of textures."""

    images: Tensor
    """(N, 3, H, W) uint8."""
    foreground: Tensor
    """(N, 1, H, W) bool, where to lay textures."""
    policy: AugmentationPolicy
    textures: Tensor
    """(M, 3, h, w) float in [0, 1]."""

    @classmethod
    def of(cls, images: Tensor, augment: Augment, foreground: Foreground) -> "Normals":
        """Prepare (N, 3, H, W) uint8 images, with the photographs that scikit-image brings along.

        Args:
            images: normal, of one category.
            augment: see ``AugmentationPolicy.of``.
            foreground: see ``find_foreground``.
        """
        where = find_foreground(foreground, images)
        textures = torch.stack([photograph(name) for name in TEXTURES])
        return cls(images, where, AugmentationPolicy.of(images, augment), textures)

    def drawn(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, H, W) uint8, foregrounds (B, 1, H, W) bool), as the policy says."""
        return self.policy.drawn(size, generator, self.images, self.foreground)

    def some(
        self,
        images: Tensor,
        where: Tensor,
        anomalous: Tensor,
        anomalies: PerlinTextures,
        generator: Generator,
    ) -> tuple[Tensor, Tensor]:
        """Return (B, 3, H, W) float with textures on those ``anomalous``, (B,) bool, and masks."""
        laid, masks = anomalies(images, where, self.textures.to(images.device), generator)
        chosen = anomalous.to(images.device).view(-1, 1, 1, 1)
        return torch.where(chosen, laid, images), masks & chosen
