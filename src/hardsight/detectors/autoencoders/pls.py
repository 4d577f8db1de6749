"""The principal latent space: latents are purified by their principal components."""

from functools import partial
from typing import Self, TypeVar

import torch
from torch import Generator, Tensor

from hardsight.core.batches import batched
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.adversary import PGDAdversary
from hardsight.detectors.autoencoders.cascade import CascadePCA
from hardsight.detectors.autoencoders.detection import detect, squared_error
from hardsight.detectors.autoencoders.fitting import fit_autoencoder
from hardsight.detectors.autoencoders.network import Architecture, Decoder, Encoder
from hardsight.detectors.fitted import Fitted, Work
from hardsight.detectors.mean_filter import demand_filter
from hardsight.detectors.method import FitConfig
from hardsight.detectors.saved import SavedDetector

RATE = 0.1
"""Weight of a batch's latents in the averages that the components are taken from."""


class PLSFit(FitConfig):
    """Configure a fit of PLS."""

    adversary: PGDAdversary | None = PGDAdversary(eps=2 / 255, steps=2)
    """Train on attacked images; None: on clean ones."""


class PLS(SavedDetector):
    """Reconstruct images from the principal components of their latents (PLS).

    Lo et al. (2022): a latent is reduced to its principal components, see ``CascadePCA``, before
    it is decoded. The score is the squared error of the reconstruction.

    Args:
        network: settings of ``Architecture``.
        image_size: height and width in pixels.
        vector_components: kept of the channels.
        spatial_components: kept of the grid of their coordinates.
        filter_size: side of the map's mean filter in pixels, odd.
        precision: see ``hardsight.core.precision``.
        seed: of the initial weights.
    """

    paper = "PLS"
    tileable = False  # its components are those of places
    exportable = True

    def __init__(
        self,
        network: dict[str, int] | None = None,
        image_size: int = 256,
        vector_components: int = 1,
        spatial_components: int = 8,
        filter_size: int = 21,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        demand_filter(filter_size)
        self.image_size, self.precision = image_size, precision
        self.filter_size = filter_size
        architecture = Architecture.of(network, image_size)
        grid = architecture.latent, architecture.grid(image_size)
        with seeded(seed):
            self.encoder, self.decoder = Encoder(architecture), Decoder(architecture)
        self.cascade = CascadePCA(*grid, vector_components, spatial_components)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch (B, 3, H, W) in [0, 1]; ``noise`` is not used."""
        return detect(squared_error(images, self.reconstruct(images).squeeze(1)), self.filter_size)

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the reconstructions (B, 1, 3, H, W) of images (B, 3, H, W), unclamped."""
        with autocast(self.precision, images.device):
            r: Tensor = self.decoder(self.cascade(self.encoder(images)))
        return r.to(images.dtype).unsqueeze(1)

    def attacked_loss(
        self, images: Tensor, generator: Generator, adversary: PGDAdversary | None
    ) -> Tensor:
        """Return the squared distance (B,) of images from what is made of them under attack.

        The attack maximises what the training minimises, over the perturbation. The principal
        components follow the latents of the attacked images, and carry no gradient.

        Args:
            images: (B, 3, H, W) in [0, 1].
            generator: of the attack.
            adversary: None: no attack.
        """

        def distance(latents: Tensor) -> Tensor:
            r: Tensor = self.decoder(self.cascade(latents))
            return (images - r).square().flatten(1).mean(1)

        def objective(images: Tensor, generator: Generator | None = None) -> Tensor:
            return distance(self.encoder(images))

        shown = images
        if adversary is not None:
            shown = adversary.perturb(self, objective, images, generator)
        latents = self.encoder(shown)
        self.cascade.observe(latents, RATE)
        return distance(latents)

    def fit(
        self, data: AnomalyData, config: PLSFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_pls``."""
        return fit_pls(self, data, config or PLSFit(), work or Work()).detector


P = TypeVar("P", bound=PLS)


def fit_pls(detector: P, data: AnomalyData, config: PLSFit, work: Work) -> Fitted[P]:
    """Train on attacked normal images, then take the components of the clean ones' latents."""
    loss = partial(PLS.attacked_loss, adversary=config.adversary)
    return fit_autoencoder(detector, data, config, work, loss, take_components)


def take_components(detector: PLS, normals: Tensor) -> None:
    """Take the principal components of the latents of normal images (N, 3, H, W) uint8."""
    latents = [detector.encoder(detector.prepare(x)) for x in batched(normals, 16)]
    detector.cascade.observe(torch.cat(latents))
