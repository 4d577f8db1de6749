"""A detector of small images on large ones."""

from typing import Any

import torch
from torch import Tensor

from hardsight.core.batches import at_once, in_parts
from hardsight.core.types import Detection
from hardsight.data import Tiles
from hardsight.detectors.adapters.around import Around
from hardsight.detectors.base import Detector
from hardsight.diffusion import TILES


class Tiled(Around):
    """Scores pictures by overlapping tiles, as a deterministic function of (images, noise).

    The map is that of the tiles, blended (``hardsight.data.Tiles``). The score is the largest of a
    tile's: a defect in one place makes its tile as anomalous as it would make a small image. That
    is right for what judges an image by a few patches, as PatchGuard does, and for a ``Wrapped``
    model, whose scores are its own affair; more tiles have more chances of a false alarm, so that
    the threshold must come from pictures: ``calibrate`` it. Where the detector makes no maps, the
    map shows the scores of the tiles.

    An ``AdvRAD`` is not made of another but tiles itself: its errors are compared with those of the
    same place of normal parts, and its score is the aggregation of the whole map.

    The gradient is exact; where one is wanted, tiles beyond the first ``TILES`` are computed a
    second time in the backward pass, so that a picture needs the memory of a few tiles and a small
    multiple of its own.

    Args:
        detector: of images of a tile's size.
        size: (height, width) in pixels of the pictures, or a number for both.
        overlap: share of a tile that it has in common with the next, at least; in [0, 1).

    Raises:
        TypeError: a detector that is not ``tileable``.
        ValueError: pictures smaller than a tile, or an overlap out of its range.
    """

    def __init__(
        self, detector: Detector, size: int | tuple[int, int], overlap: float = 0.25
    ) -> None:
        super().__init__(detector)
        if not detector.tileable:
            raise TypeError(
                f"{type(detector).__name__} compares every place of a picture with the same place "
                f"of normal ones, and tiles itself: fit it with image_size=... and "
                f"tile={detector.image_size} instead"
            )
        whole = (size, size) if isinstance(size, int) else size
        self.tiles = Tiles(whole, detector.size, overlap)
        self.image_size = max(whole)
        self.has_maps = detector.has_maps or len(self.tiles) > 1

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures, in pixels."""
        return self.tiles.size

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the detector, with the tiles."""
        return super().settings | {"size": self.size, "overlap": self.tiles.overlap}

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw the detector's noise for each of the T tiles (B, T, ...); None if it takes none."""
        noise = self.detector.sample_noise(self.tiles.cut(images), generator)
        return None if noise is None else noise.view(len(images), -1, *noise.shape[1:])

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score pictures (B, 3, H, W), with ``noise`` as from ``sample_noise``."""
        if noise is None:
            noise = self.sample_noise(images)
        tiles = self.tiles.cut(images)
        own = None if noise is None else noise.flatten(0, 1)
        score, maps, *_ = in_parts(self.detector, at_once(tiles.shape, TILES), tiles, own)
        assert score is not None
        assert maps is not None
        return Detection(score.view(len(images), -1).amax(1), self.tiles.join(maps))
