"""PaDiM: how far each patch is from what normal images have at its place."""

from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Generator, Tensor

from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.enlargement import demand_sigma
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.memory_bank.fitting import (
    BankFit,
    PatchEmbedder,
    embedded,
    fit_on_features,
)
from hardsight.detectors.memory_bank.gaussians import Gaussians
from hardsight.detectors.memory_bank.patch_detector import PatchDetector


class PaDiM(PatchDetector):
    """Score patches by their Mahalanobis distance at their place (Defard et al., 2021).

    Deterministic: there is no noise. Nothing is trained. The gradient is exact, through the whole
    network. It knows where things belong: objects must lie alike in all images.

    Args:
        backbone: arguments of ``hardsight.backbones.Backbone``.
        image_size: height and width in pixels.
        stride, pool: see ``PatchGrid``.
        channels: of the features that are kept, drawn at random; all where there are no more.
        ridge: see ``Gaussians``.
        sigma: of the Gaussian that smooths the map, in pixels, cut off at four of it.
        seed: of the channels.
    """

    tileable = False
    chosen: Tensor

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        stride: int = 8,
        pool: int = 1,
        channels: int = 100,
        ridge: float = 0.01,
        sigma: float = 4.0,
        seed: int = 0,
    ) -> None:
        if channels < 1:
            raise ValueError(f"channels must be at least 1, got {channels}")
        cut = min(round(4 * demand_sigma(sigma)), image_size - 1)
        super().__init__(backbone, image_size, stride, pool, sigma, cut)
        order = torch.randperm(self.dims, generator=Generator().manual_seed(seed))
        self.register_buffer("chosen", order[:channels].sort().values)
        self.gaussians = Gaussians(self.grid.side**2, len(self.chosen), ridge)

    def embed(self, images: Tensor) -> Tensor:
        """Return the vectors of the patches (B, side * side, channels), differentiably."""
        return super().embed(images).index_select(2, self.chosen)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch by the largest value of its map.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        distances = self.gaussians.distances(self.embed(images))
        maps = self.drawn(distances)
        return Detection(maps.flatten(1).amax(1), maps)

    def fit(
        self, data: AnomalyData, config: BankFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_padim``."""
        return fit_padim(self, data, config or BankFit(), work or Work()).detector


class GaussianDetector(PatchEmbedder, Protocol):
    """A PaDiM, by what its fit needs of it."""

    gaussians: Gaussians


G = TypeVar("G", bound=GaussianDetector)


def fit_padim(detector: G, data: AnomalyData, config: BankFit, work: Work) -> Fitted[G]:
    """Estimate the Gaussians of normal patches, and calibrate (PaDiM, section 3.2).

    Only ``data.train`` and ``data.validation`` are used. See ``fit_on_features``.
    """

    def learn(found: G, normals: Tensor, place: OpenWork) -> None:
        found.gaussians.fit(embedded(found, normals, place.progress))

    return fit_on_features(detector, data, config, work, learn)
