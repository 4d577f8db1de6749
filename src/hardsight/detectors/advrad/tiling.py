"""How AdvRAD reconstructs large pictures: in tiles."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from hardsight.data import Tiles


@dataclass(frozen=True)
class Tiling:
    """Overlapping square tiles."""

    tile: int
    """Side in pixels."""
    overlap: float = 0.25
    """Share of a tile that it has in common with the next, see ``hardsight.data.Tiles``."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def grid(self, image_size: int) -> Tiles:
        """Return the tiles of a picture.

        Raises:
            ValueError: a size that these tiles do not fit.
        """
        return Tiles((image_size, image_size), (self.tile, self.tile), self.overlap)
