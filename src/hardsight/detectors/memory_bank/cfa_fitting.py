"""From normal images to centres of their patches, and a descriptor that draws these near."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

import torch
from pydantic import Field
from torch import Generator, Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.core.precision import without_autocast
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.memory_bank.bank import Bank
from hardsight.detectors.memory_bank.descriptor import Descriptor
from hardsight.detectors.memory_bank.fitting import (
    FEATURES,
    PatchEmbedder,
    embedded,
    fit_on_features,
)
from hardsight.detectors.memory_bank.hyperspheres import Hyperspheres
from hardsight.detectors.method import FitConfig


class CFAFit(FitConfig):
    """Configure a fit of CFA."""

    repelling: int = Field(3, ge=0)
    """Centres that push a patch away, J: those next beyond the nearest."""
    radius: float = Field(1e-5, gt=0)
    """Radius of the spheres at first; it is learned with the descriptor."""
    margin: float = Field(0.1, ge=0)
    """By which the squared radius of a repelling sphere is smaller, alpha."""

    @property
    def stages(self) -> Mapping[str, float | None]:
        """The features that the centres are means of, then the training."""
        return {FEATURES: None, **super().stages}


class AdaptedDetector(PatchEmbedder, Protocol):
    """A CFA, by what its fit needs of it."""

    neighbours: int
    descriptor: Descriptor
    centres: Bank

    def distances(self, patches: Tensor, count: int) -> Tensor:
        """Return the distances (B * P, count) of vectors to their nearest centres."""


A = TypeVar("A", bound=AdaptedDetector)


def fit_cfa(detector: A, data: AnomalyData, config: CFAFit, work: Work) -> Fitted[A]:
    """Place the centres, train the descriptor round them, and calibrate (CFA, section 3).

    Only ``data.train`` and ``data.validation`` are used. See ``fit_on_features``.
    """

    def learn(found: A, normals: Tensor, place: OpenWork) -> None:
        found.centres.fill(mean_of_places(found, normals, place))
        with torch.enable_grad():
            place.train(AdaptationTask(found, normals, config), config.training)

    return fit_on_features(detector, data, config, work, learn)


def mean_of_places(detector: AdaptedDetector, normals: Tensor, work: OpenWork) -> Tensor:
    """Return the mean of the descriptor's vectors at each place (P, D') over normal images."""
    batches = embedded(detector, normals, work.progress)
    total = sum(detector.descriptor(batch).sum(0) for batch in batches)
    return torch.as_tensor(total) / len(normals)


class AdaptationTask:
    """Draws normal images; the loss is that of the spheres round the centres.

    Args:
        detector: whose descriptor is trained.
        images: (N, 3, H, W) uint8, normal.
        config: the spheres, and how images are changed.
    """

    def __init__(self, detector: AdaptedDetector, images: Tensor, config: CFAFit) -> None:
        self.module = Hyperspheres(detector.descriptor, config.radius, config.margin)
        self.detector, self.images, self.config = detector, images, config
        self.policy = AugmentationPolicy.of(images, config.augment)

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw images (B, 3, H, W) uint8."""
        return self.policy.drawn(size, generator, self.images)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean loss of a batch."""
        (images,) = batch
        self.detector.to(images.device)
        with torch.no_grad():
            patches = self.detector.embed(images.float() / 255)
        count = min(self.detector.neighbours + self.config.repelling, len(self.detector.centres))
        with without_autocast(images.device):  # which is nearest, 16 bits blur
            squares = self.detector.distances(patches, count).square()
            return self.module.loss(squares, self.detector.neighbours)
