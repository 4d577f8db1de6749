"""How AdvRAD reconstructs large pictures: in tiles."""

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from pydantic import ConfigDict
from torch import Tensor

from hardsight.data import Tiles


@dataclass(frozen=True)
class Tiling:
    """Overlapping square tiles."""

    tile: int
    """Side in pixels."""
    overlap: float = 0.25
    """Share of a tile that it has in common with the next, see ``hardsight.data.Tiles``."""
    two_scales: bool = False
    """Reconstruct each picture at two scales: its tiles, and the whole shrunk to a tile, whose
    coarse structure takes the place of what the tiles make of it. By one network, trained on
    both."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def grid(self, image_size: int) -> Tiles:
        """Return the tiles of a picture.

        Raises:
            ValueError: a size that these tiles do not fit.
        """
        if self.two_scales and image_size % self.tile:
            raise ValueError(
                f"two_scales=true shrinks pictures of {image_size} pixels to {self.tile}: the "
                f"size must be a multiple of the tile, as {-(-image_size // self.tile) * self.tile}"
            )
        return Tiles((image_size, image_size), (self.tile, self.tile), self.overlap)

    def passes(self, image_size: int) -> int:
        """Count the images of a tile's size by which a picture is reconstructed once."""
        return len(self.grid(image_size)) + self.two_scales

    def shrinkage(self, image_size: int) -> int | None:
        """Return how many times smaller a whole picture is reconstructed too; None: it is not."""
        return image_size // self.tile if self.two_scales else None


def shrunk(x: Tensor, factor: int) -> Tensor:
    """Return pictures (..., C, H, W) ``factor`` times smaller, each pixel the mean of those it was.

    Shape:
        -> (..., C, H / factor, W / factor).
    """
    small = F.avg_pool2d(x.flatten(0, -4), factor)
    return small.view(*x.shape[:-2], *small.shape[-2:])


def with_coarse(fine: Tensor, coarse: Tensor, factor: int) -> Tensor:
    """Return a fine picture whose coarse structure is that of another, smaller one.

    As in a Laplacian pyramid: what the fine picture has at the coarse one's scale is taken away,
    and the coarse one put in its place. Linear in both.

    Shape:
        fine (B, C, H, W), coarse (B, C, H / factor, W / factor) -> (B, C, H, W).
    """
    change = coarse - F.avg_pool2d(fine, factor)
    return fine + F.interpolate(change, scale_factor=factor, mode="bilinear", align_corners=False)
