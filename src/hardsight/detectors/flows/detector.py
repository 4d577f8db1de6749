"""What all detectors with a flow share."""

from torch import Tensor

from hardsight.backbones import Backbone
from hardsight.core.precision import autocast
from hardsight.core.types import Detection
from hardsight.detectors.enlargement import Enlargement
from hardsight.detectors.flows.density import Density, detect
from hardsight.detectors.saved import SavedDetector


class FlowDetector(SavedDetector):
    """A detector that scores pretrained features by their density."""

    exportable = True
    backbone: Backbone
    density: Density
    """What is trained."""
    enlarged: Enlargement
    """From the grid of the finest level to pixels."""
    top: float
    """Share of the map's pixels that is the score, see ``detect``."""

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used."""
        levels = self.backbone(images)
        with autocast(self.precision, images.device):
            log_densities = self.density(levels)
        return detect(log_densities, self.enlarged, self.top)
