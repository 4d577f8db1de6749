"""The robust autoencoder: what it cannot reconstruct is set apart, not learned."""

from typing import Self, TypeVar

import torch
from torch import Generator, Tensor

from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.autoencoders.detection import detect, squared_error
from hardsight.detectors.autoencoders.fitting import fit_autoencoder
from hardsight.detectors.autoencoders.network import Architecture, Autoencoder
from hardsight.detectors.fitted import Fitted, Work
from hardsight.detectors.mean_filter import demand_filter
from hardsight.detectors.method import FitConfig
from hardsight.detectors.saved import SavedDetector


def shrink(x: Tensor, penalty: float) -> Tensor:
    """Return the proximal point of ``penalty`` times the l2,1 norm (Zhou & Paffenroth, 2017).

    ``argmin_s |x - s|^2 / 2 + penalty * sum of |s| over pixels``: a pixel's channels, which are the
    groups of the norm, shrink together by ``penalty``, and to nothing where they are shorter.

    Shape:
        (B, C, H, W) -> the same.
    """
    length: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(penalty)
    return x * (1 - penalty / length)


class RAE(SavedDetector):
    """Reconstruct the part of an image that a sparse remainder leaves (RAE).

    Zhou & Paffenroth (2017) split images X into L + S, where an autoencoder reconstructs L and S
    is sparse: ``min |L - D(E(L))|^2 / 2 + penalty * |S|_{2,1}``. S is the proximal step of their
    alternation from the weights as they are (see ``shrink``), so that new images are split as
    training images are, and the objective is minimised over the weights alone; they keep an S of
    every training image instead. The score is the squared error of the reconstruction, beside the
    image itself.

    Args:
        network: settings of ``Architecture``.
        image_size: height and width in pixels.
        penalty: weight of S, in units of a pixel's error.
        rounds: alternations of S and L; 0 is a plain autoencoder.
        filter_size: side of the map's mean filter in pixels, odd.
        precision: see ``hardsight.core.precision``.
        seed: of the initial weights.
    """

    paper = "RAE"
    exportable = True

    def __init__(
        self,
        network: dict[str, int] | None = None,
        image_size: int = 256,
        penalty: float = 0.1,
        rounds: int = 1,
        filter_size: int = 21,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if penalty <= 0 or rounds < 0:
            raise ValueError(f"need penalty > 0 and rounds >= 0, got {penalty} and {rounds}")
        demand_filter(filter_size)
        self.image_size, self.precision = image_size, precision
        self.penalty, self.rounds, self.filter_size = penalty, rounds, filter_size
        with seeded(seed):
            self.autoencoder = Autoencoder(Architecture.of(network, image_size))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch (B, 3, H, W) in [0, 1]; ``noise`` is not used."""
        return detect(squared_error(images, self.reconstruct(images).squeeze(1)), self.filter_size)

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the reconstructions (B, 1, 3, H, W) of images (B, 3, H, W), unclamped."""
        with autocast(self.precision, images.device):
            regular, _ = self.split(images)
            r: Tensor = self.autoencoder(regular)
        return r.unsqueeze(1)

    def split(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return L and S, (B, 3, H, W) each, whose sum the images are."""
        sparse = torch.zeros_like(images)
        for _ in range(self.rounds):
            sparse = shrink(images - self.autoencoder(images - sparse), self.penalty)
        return images - sparse, sparse

    def training_loss(self, images: Tensor, generator: Generator) -> Tensor:
        """Return the objective of the split (B,), averaged over pixels."""
        regular, sparse = self.split(images)
        squared = (regular - self.autoencoder(regular)).square().sum(1) / 2
        length = torch.linalg.vector_norm(sparse, dim=1)
        found: Tensor = (squared + self.penalty * length).flatten(1).mean(1)
        return found

    def fit(
        self, data: AnomalyData, config: FitConfig | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_rae``."""
        return fit_rae(self, data, config or FitConfig(), work or Work()).detector


R = TypeVar("R", bound=RAE)


def fit_rae(detector: R, data: AnomalyData, config: FitConfig, work: Work) -> Fitted[R]:
    """Minimise the objective of the split on normal images, see ``fit_autoencoder``."""
    return fit_autoencoder(detector, data, config, work, RAE.training_loss)
