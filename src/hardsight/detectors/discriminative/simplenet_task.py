"""The task of training SimpleNet: features of normal images, and the same with noise."""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Generator, Tensor, nn

from hardsight.augment import AugmentationPolicy
from hardsight.core.batches import at_least_single
from hardsight.core.seeds import draw_seeds, generator_of
from hardsight.detectors.discriminative.contract import Judging, fixed_features
from hardsight.detectors.discriminative.feature_objective import FeatureObjective
from hardsight.synthesis import PerlinTextures


def hinge(logits: Tensor, anomalous: Tensor, margin: float) -> Tensor:
    """Return the mean truncated L1 loss (B,) of patches (SimpleNet, Liu et al., 2023, Eq. 6).

    Shape:
        logits (B, 1, h, w), above 0 anomalous; anomalous (B, 1, h, w) bool.
    """
    sign = 1.0 - 2.0 * anomalous.to(logits)
    return (margin + sign * logits).clamp_min(0).flatten(1).mean(1)


class FeatureAdversary(BaseModel):
    """Configure projected gradient ascent on adapted features (PatchGuard, supplement E)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    eps: float = Field(0.5, gt=0)
    """L-inf radius, in standard deviations of the features."""
    steps: int = Field(5, ge=1)
    """From the features themselves; each is 2.5 eps / steps long."""

    def perturb(self, discriminator: nn.Module, features: Tensor, anomalous: Tensor) -> Tensor:
        """Return the perturbation that raises normal patches' logits and lowers anomalous ones'.

        Args:
            discriminator: features -> logits.
            features: (B, C, h, w), adapted.
            anomalous: (B, 1, h, w) bool of the patches.

        Returns:
            (B, C, h, w), without gradient.
        """
        objective, shift = FeatureObjective(discriminator, anomalous), torch.zeros_like(features)
        for _ in range(self.steps):
            uphill = objective.gradient(features.detach() + shift).sign()
            shift = (shift + 2.5 * self.eps / self.steps * uphill).clamp(-self.eps, self.eps)
        return shift


class FeatureNoise(BaseModel):
    """Configure the noise that makes features anomalous (SimpleNet, section 3.3)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    std: float = Field(0.25, gt=0)
    """Standard deviation, in those of the features. The paper's 0.015 is in units of its own
    backbone."""
    masked: bool = False
    """Only in the shape of Perlin noise, as SuperSimpleNet (Rolih et al., 2024) has it: the rest
    of the image stays normal."""

    def drawn(self, features: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw noise (B, C, h, w) for features of that shape, and where it is, (B, 1, h, w)."""
        where = torch.ones_like(features[:, :1], dtype=torch.bool)
        if self.masked:  # places in the noise's lattice are too fine for 16 bits
            where = PerlinTextures().masks(at_least_single(features), where, generator)
        noise = torch.randn(features.shape, generator=generator, device=features.device)
        return self.std * noise.to(features) * where, where


class SimpleNetTask:
    """Draws normal images; the discriminator is to tell their features from noisy ones.

    Args:
        detector: whose judge is trained; its backbone is not.
        images: (N, 3, H, W) uint8, normal.
        policy: how they are changed.
        noise: what makes features anomalous.
        margin: see ``hinge``.
        adversary: trains the discriminator on features that it attacked; None: on clean ones.
    """

    def __init__(
        self,
        detector: Judging,
        images: Tensor,
        policy: AugmentationPolicy,
        noise: FeatureNoise,
        margin: float = 0.5,
        adversary: FeatureAdversary | None = None,
    ) -> None:
        self.module = detector.judge
        self.detector, self.images, self.policy = detector, images, policy
        self.noise, self.margin, self.adversary = noise, margin, adversary

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, H, W) uint8, seeds (B,))."""
        (x,) = self.policy.drawn(size, generator, self.images)
        return x, draw_seeds(size, generator)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean loss of a batch: that of normal features, and of the same with noise."""
        images, seeds = batch
        generator = generator_of(seeds, images.device)
        normal = self.module.adapted(fixed_features(self.detector, images.float() / 255))
        noise, where = self.noise.drawn(normal.detach(), generator)
        shown, anomalous = (
            torch.cat(pair) for pair in ((normal, normal + noise), (torch.zeros_like(where), where))
        )
        discriminator = self.module.discriminator
        if self.adversary is not None:
            shown = shown + self.adversary.perturb(discriminator, shown, anomalous)
        return 2 * hinge(discriminator(shown).float(), anomalous, self.margin).mean()
