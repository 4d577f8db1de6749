"""What all detectors with a flow share."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from hardsight.backbones import build_backbone
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.detectors.enlargement import Enlargement
from hardsight.detectors.flows.density import Density, demand_top, detect
from hardsight.detectors.saved import SavedDetector


class FlowDetector(SavedDetector):
    """A detector that scores pretrained features by their density.

    Args:
        backbone: arguments of ``hardsight.backbones.Backbone``; None: the bundled network.
        taps: of the backbone, where its arguments name none.
        image_size: height and width in pixels.
        sigma: of the Gaussian that smooths the map, in pixels; 0: none.
        top: share of the map's pixels that is the score, see ``detect``.
        precision: of the networks, see ``hardsight.core.precision``.
        seed: of the initial weights.
    """

    exportable = True
    density: Density
    """What is trained."""

    def __init__(
        self,
        backbone: dict[str, Any] | None,
        taps: Sequence[int],
        image_size: int,
        sigma: float,
        top: float,
        precision: Choice,
        seed: int,
    ) -> None:
        super().__init__()
        self.image_size, self.top, self.precision = image_size, demand_top(top), precision
        self.backbone = build_backbone(backbone, taps=taps, precision=precision, seed=seed)
        self.enlarged = Enlargement(self.backbone.sides(image_size)[0], image_size, sigma)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used."""
        levels = self.backbone(images)
        with autocast(self.precision, images.device):
            log_densities = self.density(levels)
        return detect(log_densities, self.enlarged, self.top)
