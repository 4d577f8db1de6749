"""Principal components of a latent grid, of its channels and then of its places."""

import torch
from torch import Tensor, nn

from hardsight.detectors.autoencoders.principal import PrincipalComponents


class CascadePCA(nn.Module):
    """Purify latents by a cascade of two projections (Lo et al., 2022).

    Vector-PCA projects the channels of every place onto a few components, spatial-PCA the grid of
    their coordinates onto a few grids. What an attack adds to a latent beside what normal images
    show is projected away, and so is what an anomaly adds.

    Args:
        channels: of the latent grid.
        side: of the latent grid.
        vector: components of the channels.
        spatial: components of the grid.

    Raises:
        ValueError: more components than there are channels, or coordinates in the grid.
    """

    def __init__(self, channels: int, side: int, vector: int, spatial: int) -> None:
        super().__init__()
        self.vector = PrincipalComponents(channels, vector)
        self.spatial = PrincipalComponents(vector * side**2, spatial)

    def forward(self, latents: Tensor) -> Tensor:
        """Return the projections (B, C, h, w) of latents (B, C, h, w)."""
        with torch.autocast(latents.device.type, enabled=False):
            coordinates = self.vector.compress(_vectors(latents))
            grids = self.spatial.expand(self.spatial.compress(coordinates.flatten(1)))
            return self.vector.expand(grids.view_as(coordinates)).mT.reshape(latents.shape)

    def observe(self, latents: Tensor, rate: float = 1.0) -> None:
        """Learn the components from latents (B, C, h, w), see ``PrincipalComponents.observe``."""
        with torch.autocast(latents.device.type, enabled=False):
            vectors = _vectors(latents.detach())
            self.vector.observe(vectors.flatten(0, 1), rate)
            self.spatial.observe(self.vector.compress(vectors).flatten(1), rate)


def _vectors(latents: Tensor) -> Tensor:
    """Return latents (B, C, h, w) as vectors (B, h * w, C), in single precision at least."""
    wide = latents if latents.dtype == torch.float64 else latents.float()
    return wide.flatten(2).mT
