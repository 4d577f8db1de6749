"""OCR-GAN: frequency bands are reconstructed, and a discriminator says how well."""

from typing import Self, TypeVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hardsight.attacks import frozen
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.autoencoders.bands import demand_bands
from hardsight.detectors.autoencoders.detection import detect, squared_error
from hardsight.detectors.autoencoders.fitting import fit_autoencoder
from hardsight.detectors.autoencoders.generator import BandGenerator, Discriminator
from hardsight.detectors.autoencoders.network import Architecture
from hardsight.detectors.fitted import Fitted, Work
from hardsight.detectors.mean_filter import demand_filter
from hardsight.detectors.method import FitConfig
from hardsight.detectors.saved import SavedDetector
from hardsight.synthesis import CutPaste

CONTENT = 50.0
"""Weight of the reconstruction in the generator's loss, beside 1 for each of the others."""


class OCRGAN(SavedDetector):
    """Reconstruct the frequency bands of images against a discriminator (OCR-GAN).

    Liang et al. (2023). The score is 0.9 times the squared error of the reconstruction and 0.1
    times the squared distance of the discriminator's features of image and reconstruction; the map
    adds the two at each place.

    Args:
        network: settings of ``Architecture``, of each band's autoencoder and of the discriminator.
        image_size: height and width in pixels.
        bands: see ``frequency_bands``; the paper finds two best.
        latent_weight: of the distance of features, in [0, 1].
        filter_size: side of the map's mean filter in pixels, odd.
        precision: see ``hardsight.core.precision``.
        seed: of the initial weights.
    """

    paper = "OCR-GAN"
    exportable = True

    def __init__(
        self,
        network: dict[str, int] | None = None,
        image_size: int = 256,
        bands: int = 2,
        latent_weight: float = 0.1,
        filter_size: int = 21,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        demand_bands(bands, (image_size, image_size))
        if not 0 <= latent_weight <= 1:
            raise ValueError(f"latent_weight must be in [0, 1], got {latent_weight}")
        demand_filter(filter_size)
        self.image_size, self.precision = image_size, precision
        self.latent_weight, self.filter_size = latent_weight, filter_size
        architecture = Architecture.of(network, image_size)
        with seeded(seed):
            self.generator = BandGenerator(architecture, bands)
            self.discriminator = Discriminator(architecture)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch (B, 3, H, W) in [0, 1]; ``noise`` is not used."""
        r = self.reconstruct(images).squeeze(1)
        with autocast(self.precision, images.device):
            distance = squared_error(*(self.discriminator.features(x) for x in (images, r)))
        latent = F.interpolate(distance, images.shape[-2:], mode="nearest")
        share = self.latent_weight
        return detect((1 - share) * squared_error(images, r) + share * latent, self.filter_size)

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return the reconstructions (B, 1, 3, H, W) of images (B, 3, H, W), unclamped."""
        with autocast(self.precision, images.device):
            r: Tensor = self.generator(images)
        return r.unsqueeze(1)

    def adversarial_loss(self, images: Tensor, generator: Generator) -> Tensor:
        """Return the losses of generator and discriminator (B,), neither of which moves the other.

        The generator is to reconstruct the image, its features, and to be taken for an image; the
        discriminator is to take images for what they are, and neither reconstructions nor
        pseudo-anomalies for images. Both gradients are taken at once, at the same weights.

        Args:
            images: (B, 3, H, W) in [0, 1].
            generator: of the pseudo-anomalies.
        """
        told = images.new_zeros(len(images))
        r = self.generator(images)
        with frozen(self.discriminator):
            made = self.discriminator.features(r)
            apart = (made - self.discriminator.features(images)).square().flatten(1).mean(1)
            fooled = _cross_entropy(self.discriminator.judge(made), image=True)
        content = (images - r).abs().flatten(1).mean(1)
        with torch.autocast(images.device.type, enabled=False):
            everywhere = torch.ones_like(images[:, :1], dtype=torch.bool)
            pseudo, _ = CutPaste()(images, everywhere, generator)
        for x, image in ((images, True), (r.detach(), False), (pseudo, False)):
            logits = self.discriminator.judge(self.discriminator.features(x))
            told = told + _cross_entropy(logits, image)
        found: Tensor = CONTENT * content + apart + fooled + told
        return found

    def fit(
        self, data: AnomalyData, config: FitConfig | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_ocr_gan``."""
        return fit_ocr_gan(self, data, config or FitConfig(), work or Work()).detector


G = TypeVar("G", bound=OCRGAN)


def fit_ocr_gan(detector: G, data: AnomalyData, config: FitConfig, work: Work) -> Fitted[G]:
    """Train generator and discriminator against each other on normal images."""
    return fit_autoencoder(detector, data, config, work, OCRGAN.adversarial_loss)


def _cross_entropy(logits: Tensor, image: bool) -> Tensor:
    """Return the cross-entropy (B,) of logits (B,) with the label that all of them should have."""
    return F.softplus(-logits if image else logits)
