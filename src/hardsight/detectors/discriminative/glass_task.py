"""The task of training GLASS: features pushed towards the normal ones, and textures on images."""

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Generator, Tensor, nn

from hardsight.core.seeds import draw_seeds, generator_of
from hardsight.detectors.adversary import PGDAdversary
from hardsight.detectors.discriminative.contract import Judging, fixed_features
from hardsight.detectors.discriminative.feature_objective import FeatureObjective, rms
from hardsight.detectors.discriminative.losses import focal_loss
from hardsight.detectors.discriminative.normals import Normals
from hardsight.synthesis import PerlinTextures


class GlobalAnomalies(BaseModel):
    """Configure global anomaly synthesis (GLASS, Chen et al., 2024, section 3.2).

    Noise is added to the features of normal patches; gradient ascent then moves them to where the
    discriminator takes them for normal, and a truncated projection keeps their distance. A length
    is the root mean square over the channels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    noise: float = Field(0.25, gt=0)
    """Standard deviation of the noise, in those of the features, and the smallest distance from the
    normal feature."""
    furthest: float = Field(2.0, ge=1)
    """Largest distance, in smallest ones."""
    steps: int = Field(5, ge=0)
    """Steps of the gradient ascent."""
    step_size: float = Field(0.01, gt=0)
    """Length of a step, in smallest distances; all steps together are a few hundredths in the
    paper."""

    def shift(self, discriminator: nn.Module, normal: Tensor, generator: Generator) -> Tensor:
        """Return what makes adapted features (B, C, h, w) anomalous when added; no gradient."""
        drawn = torch.randn(normal.shape, generator=generator, device=normal.device)
        shift = self.noise * drawn.to(normal)
        everywhere = torch.ones_like(normal[:, :1], dtype=torch.bool)
        objective = FeatureObjective(discriminator, everywhere)
        for _ in range(self.steps):
            gradient = objective.gradient(normal + shift)
            shift = shift + self.step_size * self.noise * gradient / rms(gradient)
            length = rms(shift)
            shift = shift * (length.clamp(self.noise, self.furthest * self.noise) / length)
        return shift


class PatchLoss:
    """The loss of images by the labels of their patches: what GLASS is trained and attacked on.

    Cross-entropy of normal images, focal loss of the others.

    Args:
        detector: judges.
        cells: (B, 1, h, w) bool, anomalous patches of the images it will see, in order.
    """

    def __init__(self, detector: Judging, cells: Tensor) -> None:
        self.model, self.cells = detector.judge, cells
        self.detector = detector

    def __call__(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Return the loss (B,) of images (B, 3, H, W) in [0, 1]."""
        return self.of(self.model(self.detector.features(images))).to(images.dtype)

    def of(self, logits: Tensor) -> Tensor:
        """Return the loss (B,) of logits (B, 1, h, w)."""
        plain = F.softplus(logits.float()).flatten(1).mean(1)
        anomalous = self.cells.flatten(1).any(1)
        return torch.where(anomalous, focal_loss(logits.float(), self.cells), plain)


class GLASSTask:
    """Draws normal images and seeds; the synthetic anomalies follow from them, on the device.

    Of an image the loss is the sum of three (GLASS, Eq. 12): cross-entropy of its normal features,
    cross-entropy of those that ``GlobalAnomalies`` makes of them, and focal loss of the image with
    textures laid on it. With an adversary the images of the first and the third are attacked on
    these losses (PatchGuard, supplement E).

    Args:
        detector: whose judge is trained; its backbone is not.
        normals: what it is trained on.
        local_anomalies: textures laid on images.
        global_anomalies: anomalies among features.
        adversary: None: no attack.
    """

    def __init__(
        self,
        detector: Judging,
        normals: Normals,
        local_anomalies: PerlinTextures,
        global_anomalies: GlobalAnomalies,
        adversary: PGDAdversary | None = None,
    ) -> None:
        self.module = detector.judge
        self.detector, self.normals = detector, normals
        self.local_anomalies, self.global_anomalies = local_anomalies, global_anomalies
        self.adversary = adversary

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, H, W) uint8, foregrounds (B, 1, H, W) bool, seeds (B,))."""
        x, where = self.normals.drawn(size, generator)
        return x, where, draw_seeds(size, generator)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean loss of the images of a batch."""
        images, where, seeds = batch
        generator = generator_of(seeds, images.device)
        normal = images.float() / 255
        textures = self.normals.textures.to(images.device)
        with torch.autocast(images.device.type, enabled=False):
            laid, masks = self.local_anomalies(normal, where, textures, generator)
        shown, masks = torch.cat([normal, laid]), torch.cat([torch.zeros_like(masks), masks])
        cells = F.adaptive_max_pool2d(masks.float(), self.detector.side) > 0
        found = PatchLoss(self.detector, cells)
        self.detector.backbone.to(images.device)
        if self.adversary is not None:
            shown = self.adversary.perturb(self.module, found, shown, generator)
        adapted = self.module.adapted(fixed_features(self.detector, shown))
        discriminator, count = self.module.discriminator, len(images)
        shift = self.global_anomalies.shift(discriminator, adapted[:count].detach(), generator)
        logits = discriminator(torch.cat([adapted, adapted[:count] + shift])).float()
        unnoticed = F.softplus(-logits[2 * count :]).flatten(1).mean(1)
        return (found.of(logits[: 2 * count]).view(2, -1).sum(0) + unnoticed).mean()
