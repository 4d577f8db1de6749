"""SPADE: the normal images most like an image, and how its patches correspond to theirs."""

from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor

from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.memory_bank.bank import Bank
from hardsight.detectors.memory_bank.fitting import (
    BankFit,
    PatchEmbedder,
    embedded,
    fit_on_features,
)
from hardsight.detectors.memory_bank.patch_detector import PatchDetector


class SPADE(PatchDetector):
    """Score an image by its distance to the most similar normal ones (Cohen & Hoshen, 2020).

    The map shows how far each patch is from all patches of these. Deterministic: there is no noise.
    Nothing is trained; the patches of all training images are kept. The gradient is exact, through
    the whole network.

    Args:
        backbone: arguments of ``hardsight.backbones.Backbone``.
        image_size: height and width in pixels.
        stride, pool: see ``PatchGrid``.
        retrieved: normal images that an image is compared with, K; all where there are no more.
        gallery: normal images kept; the number there is, once fitted.
        sigma: of the Gaussian that smooths the map, in pixels.
    """

    paper = "SPADE"
    patches: Tensor
    half_squares: Tensor

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        stride: int = 8,
        pool: int = 1,
        retrieved: int = 10,
        gallery: int = 1,
        sigma: float = 4.0,
    ) -> None:
        if retrieved < 1:
            raise ValueError(f"retrieved must be at least 1, got {retrieved}")
        super().__init__(backbone, image_size, stride, pool, sigma)
        self.retrieved = retrieved
        dims, places = self.dims, self.grid.side**2
        self.images = Bank(gallery, dims)
        self.register_buffer("patches", torch.zeros(gallery, places, dims))
        self.register_buffer("half_squares", torch.zeros(gallery, places))

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments, with the number of images that are kept."""
        return super().settings | {"gallery": len(self.images)}

    def fitted_bytes(self, images: int) -> int:
        """Return the bytes that the detector takes once it keeps so many images."""
        gallery = (self.patches, self.half_squares, *self.images.buffers())
        each = sum(x[0].numel() * x.element_size() for x in gallery)
        return super().fitted_bytes(images) + (images - len(self.images)) * each

    def remember(self, patches: Tensor) -> None:
        """Keep the patches of normal images (N, P, D) in place of those before."""
        self.patches, self.half_squares = patches, patches.square().sum(2) / 2
        self.images.fill(patches.mean(1))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch: the mean distance to the retrieved images, and that of patches as a map.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        patches = self.embed(images)
        whole = patches.mean(1)
        like = self.images.nearest(whole, min(self.retrieved, len(self.images)))
        score = self.images.distances(whole, like).mean(1)
        apart: Tensor = torch.linalg.vector_norm(patches - self.correspond(patches, like), dim=2)
        return Detection(score, self.drawn(apart))  # its gradient at 0 is 0

    @torch.no_grad()
    def correspond(self, patches: Tensor, like: Tensor) -> Tensor:
        """Return what is nearest to patches among those of the images ``like`` of each image.

        Of one retrieved image after the other (SPADE, section 3.3 with one neighbour).

        Shape:
            patches (B, P, D), like (B, K) -> (B, P, D).
        """
        least = torch.full_like(patches[..., :1], torch.inf)
        nearest = torch.zeros_like(patches)
        for one in like.unbind(1):
            gallery = self.patches[one]
            away = self.half_squares[one][:, None] - patches @ gallery.mT  # |b|^2 / 2 - a . b
            value, place = away.min(2, keepdim=True)
            found = gallery.gather(1, place.expand_as(patches))
            nearest = torch.where(value < least, found, nearest)
            least = torch.minimum(value, least)
        return nearest

    def fit(
        self, data: AnomalyData, config: BankFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_spade``."""
        return fit_spade(self, data, config or BankFit(), work or Work()).detector


class GalleryDetector(PatchEmbedder, Protocol):
    """A SPADE, by what its fit needs of it."""

    def remember(self, patches: Tensor) -> None:
        """Keep the patches of normal images (N, P, D)."""


R = TypeVar("R", bound=GalleryDetector)


def fit_spade(detector: R, data: AnomalyData, config: BankFit, work: Work) -> Fitted[R]:
    """Keep the features of normal images, and calibrate (SPADE, section 3.1).

    Only ``data.train`` and ``data.validation`` are used. See ``fit_on_features``.
    """

    def learn(found: R, normals: Tensor, place: OpenWork) -> None:
        found.remember(torch.cat(list(embedded(found, normals, place.progress))))

    return fit_on_features(detector, data, config, work, learn)
