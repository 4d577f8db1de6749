"""The approximate projection autoencoder: latents are optimised before their error counts."""

from typing import Self, TypeVar

import torch
from torch import Generator, Tensor, nn

from hardsight.core.batches import batched, spread
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.autoencoders.detection import detect
from hardsight.detectors.autoencoders.fitting import fit_autoencoder
from hardsight.detectors.autoencoders.network import Architecture, Autoencoder
from hardsight.detectors.autoencoders.projection import ApproximateProjection
from hardsight.detectors.fitted import Fitted, Work
from hardsight.detectors.mean_filter import demand_filter
from hardsight.detectors.method import FitConfig
from hardsight.detectors.saved import SavedDetector

FLOOR = 1e-3
"""Added to the median error that a feature's weight is the inverse of, as in the paper's code."""
_SETTLED = 16
"""Training images that the length of the projection's steps is taken from."""
_MEASURED = 512
"""Training images whose errors the medians are of, evenly spread over more: at 256 x 256 pixels
they take 400 MB."""


class APAE(SavedDetector):
    """Reconstruct images from latents that are optimised, and weight the errors (APAE).

    Goodge et al. (2020) defend an autoencoder twice: latents descend to where the decoder comes
    closest to the image (see ``ApproximateProjection``), so that a perturbation of the encoder's
    answer is undone, and each feature's squared error, here a pixel's in a channel, is divided by
    its median over the training images, so that none dominates. Gradients go through the unrolled
    descent; BPDA may go round it, as in FreeRAD, Table 4.

    Args:
        network: settings of ``Architecture``.
        image_size: height and width in pixels.
        steps: of the descent; the paper's code takes 1,000, on short vectors.
        filter_size: side of the map's mean filter in pixels, odd.
        precision: see ``hardsight.core.precision``.
        seed: of the initial weights.
    """

    paper = "APAE"
    tileable = False  # its weights are those of places
    bypass = ("projection", nn.Identity())
    weights: Tensor

    def __init__(
        self,
        network: dict[str, int] | None = None,
        image_size: int = 256,
        steps: int = 10,
        filter_size: int = 21,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        demand_filter(filter_size)
        self.image_size, self.precision = image_size, precision
        self.filter_size = filter_size
        with seeded(seed):
            self.autoencoder = Autoencoder(Architecture.of(network, image_size))
        self.projection = ApproximateProjection(steps)
        self.register_buffer("weights", torch.ones(3, image_size, image_size))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch (B, 3, H, W) in [0, 1]; ``noise`` is not used."""
        errors = self.weights * self.errors(images)
        return detect(errors.mean(1, keepdim=True), self.filter_size)

    def errors(self, images: Tensor) -> Tensor:
        """Return the squared errors (B, 3, H, W) of images (B, 3, H, W), not weighted."""
        return (images - self.reconstruct(images).squeeze(1)).square()

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the reconstructions (B, 1, 3, H, W) of images (B, 3, H, W), unclamped."""
        decoder = self.autoencoder.decoder
        with autocast(self.precision, images.device):
            latents = self.encode(images)
            r: Tensor = decoder(self.projection(latents, images, decoder))
        return r.to(images.dtype).unsqueeze(1)

    def encode(self, images: Tensor) -> Tensor:
        """Return the latents that the descent starts from, in the images' precision."""
        latents: Tensor = self.autoencoder.encoder(images)
        return latents.to(images.dtype)

    def training_loss(self, images: Tensor, generator: Generator) -> Tensor:
        """Return the squared error (B,) of the plain autoencoder."""
        found: Tensor = (images - self.autoencoder(images)).square().flatten(1).mean(1)
        return found

    def fit(
        self, data: AnomalyData, config: FitConfig | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_apae``."""
        return fit_apae(self, data, config or FitConfig(), work or Work()).detector


A = TypeVar("A", bound=APAE)


def fit_apae(detector: A, data: AnomalyData, config: FitConfig, work: Work) -> Fitted[A]:
    """Train the autoencoder, then take the descent's step and the weights from its images."""
    return fit_autoencoder(detector, data, config, work, APAE.training_loss, take_defences)


def take_defences(detector: APAE, normals: Tensor) -> None:
    """Take the length of the descent's steps and the weights of errors from normal images.

    Args:
        detector: trained; changed in place.
        normals: (N, 3, H, W) uint8.

    Raises:
        ValueError: see ``ApproximateProjection.settle``.
    """
    some = detector.prepare(normals[:_SETTLED])
    detector.projection.settle(detector.encode(some), some, detector.autoencoder.decoder)
    measured = batched(spread(normals, _MEASURED), _SETTLED)
    errors = torch.cat([detector.errors(detector.prepare(x)) for x in measured])
    detector.weights.copy_(1 / (FLOOR + errors.median(0).values))
