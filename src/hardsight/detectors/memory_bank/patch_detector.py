"""What detectors of patches share: pretrained features on a grid, and maps of pixels."""

from typing import Any

from torch import Tensor

from hardsight.backbones import build_backbone
from hardsight.detectors.enlargement import Enlargement
from hardsight.detectors.memory_bank.patches import DEFAULTS, PatchGrid
from hardsight.detectors.saved import SavedDetector


class PatchDetector(SavedDetector):
    """Describe the patches of an image by pretrained features, and draw what is found of them.

    Args:
        backbone: arguments of ``hardsight.backbones.Backbone``.
        image_size: height and width in pixels.
        stride, pool: see ``PatchGrid``.
        sigma: of the Gaussian that smooths the map, in pixels.
        radius: where it is cut off, in pixels; None: at 3 sigma.
    """

    exportable = True

    def __init__(
        self,
        backbone: dict[str, Any] | None,
        image_size: int,
        stride: int,
        pool: int,
        sigma: float,
        radius: int | None = None,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.backbone = build_backbone(backbone, **DEFAULTS)
        self.precision = self.backbone.precision
        self.grid = PatchGrid(image_size, stride, pool)
        self.enlarged = Enlargement(self.grid.side, image_size, sigma, radius)

    @property
    def dims(self) -> int:
        """The length of a patch's pretrained vector."""
        return sum(self.backbone.channels)

    def embed(self, images: Tensor) -> Tensor:
        """Return the vectors of the patches (B, side * side, D), differentiably."""
        vectors: Tensor = self.grid(self.backbone(images))
        return vectors

    def drawn(self, values: Tensor) -> Tensor:
        """Return the map of pixels (B, 1, H, W) of values of the patches (B, side * side)."""
        maps: Tensor = self.enlarged(self.grid.maps(values))
        return maps
