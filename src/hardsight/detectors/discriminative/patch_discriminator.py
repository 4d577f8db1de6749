"""Pretrained features of patches, judged: the detector of SimpleNet and GLASS."""

from typing import Any, Self

from torch import Tensor

from hardsight.backbones import build_backbone, demand_pool, patch_features
from hardsight.core.counts import demand_whole
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.discriminative.glass_fitting import GLASSFit, fit_glass
from hardsight.detectors.discriminative.judge import PatchJudge
from hardsight.detectors.discriminative.simplenet_fitting import SimpleNetFit, fit_simplenet
from hardsight.detectors.enlargement import Enlargement
from hardsight.detectors.fitted import Work
from hardsight.detectors.saved import SavedDetector


class PatchDiscriminator(SavedDetector):
    """Judge the pretrained features of every patch (SimpleNet, GLASS).

    SimpleNet (Liu et al., 2023) and GLASS (Chen et al., 2024) score alike, and differ in the
    synthetic anomalies that the discriminator learns from: ``SimpleNetFit``, ``GLASSFit``.
    Deterministic: there is no noise.

    Args:
        backbone: arguments of ``hardsight.backbones.Backbone``; None: the bundled network, strides
            8 and 16.
        image_size: height and width in pixels.
        hidden: channels of the discriminator.
        side: patches in a line; None: as many as the finest features have. SuperSimpleNet takes
            twice as many.
        pool: side of the neighbourhood that features are averaged over, in patches, odd.
        sigma: of the Gaussian that smooths the map, in pixels; 0: none.
        precision: of the networks, see ``hardsight.core.precision``.
        seed: of the initial weights.
    """

    exportable = True

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        hidden: int = 256,
        side: int | None = None,
        pool: int = 3,
        sigma: float = 4.0,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        demand_whole(1, hidden=hidden, side=1 if side is None else side)
        self.image_size, self.pool, self.precision = image_size, demand_pool(pool), precision
        self.backbone = build_backbone(backbone, precision=precision)
        with seeded(seed):
            self.judge = PatchJudge(sum(self.backbone.channels), hidden)
        self.side = side or self.backbone.sides(image_size)[0]
        self.enlarged = Enlargement(self.side, image_size, sigma)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch by the highest logit of its patches.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        features = self.features(images)
        with autocast(self.precision, images.device):
            logits = self.judge(features)
        logits = logits.to(images.dtype)
        return Detection(logits.flatten(1).amax(1), self.enlarged(logits))

    def features(self, images: Tensor) -> Tensor:
        """Return the features (B, C, h, w) of patches of images (B, 3, H, W)."""
        return patch_features(self.backbone(images), self.side, self.pool)

    def fit(
        self,
        data: AnomalyData,
        config: SimpleNetFit | GLASSFit | None = None,
        work: Work | None = None,
    ) -> Self:
        """Return this detector fitted to normal images, by SimpleNet unless told otherwise."""
        if isinstance(config, GLASSFit):
            return fit_glass(self, data, config, work or Work()).detector
        return fit_simplenet(self, data, config or SimpleNetFit(), work or Work()).detector
