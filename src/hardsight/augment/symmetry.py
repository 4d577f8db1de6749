"""Which flips and turns keep a normal image normal."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hardsight.core.batches import at_once, spread

TURNS: dict[str, Callable[[Tensor], Tensor]] = {
    "flip": lambda x: x.flip(-1),
    "flop": lambda x: x.flip(-2),
    "half turn": lambda x: x.rot90(2, (-2, -1)),
    "quarter turn": lambda x: x.rot90(1, (-2, -1)),
    "three-quarter turn": lambda x: x.rot90(3, (-2, -1)),
    "transposed": lambda x: x.transpose(-2, -1),
    "anti-transposed": lambda x: x.rot90(2, (-2, -1)).transpose(-2, -1),
}
"""The seven ways to turn a square over, besides leaving it: (..., H, H) -> (..., H, H)."""
COMPARED = 8192
"""Images that are compared with each other: of more, so many evenly spread. The distances between
them take a gigabyte."""


def turned(turns: Sequence[str], generator: Generator, *batches: Tensor) -> tuple[Tensor, ...]:
    """Leave each row as it is or turn it by one of ``turns``, all equally often.

    Args:
        turns: names in ``TURNS``; none leaves everything, and draws nothing.
        generator: of the choice.
        batches: (B, C, H, W) each; a row is turned the same way in all of them.
    """
    if not turns:
        return batches
    choice = torch.randint(len(turns) + 1, (len(batches[0]),), generator=generator).tolist()
    ways = [(lambda x: x) if c == 0 else TURNS[turns[c - 1]] for c in choice]
    return tuple(
        torch.stack([way(row) for way, row in zip(ways, rows, strict=True)]) for rows in batches
    )


def symmetries(images: Tensor, tolerance: float = 0.3, side: int = 32) -> tuple[str, ...]:
    """Return the names in ``TURNS`` under which the normal images look like other normal images.

    At ``side`` x ``side`` pixels, the median distance of a turned image to its nearest *other*
    image is compared with that of an unturned one (0) and with that of two arbitrary images (1),
    see ``NearestNeighbourDistance``; a turn below ``tolerance`` is one the camera could have seen.
    Screws on a table pass in all directions, a toothbrush in a jig in none.

    Args:
        images: (N, C, H, W) uint8 or float, N >= 3.
        tolerance: in [0, 1]; larger admits more.
        side: resolution of the comparison.
    """
    if len(images) < 3 or images.shape[-1] != images.shape[-2]:
        return ()
    small = spread(thumbnails(images, side), COMPARED)
    distance = NearestNeighbourDistance(small)
    return tuple(name for name, turn in TURNS.items() if distance.of(turn(small)) <= tolerance)


def thumbnails(images: Tensor, side: int) -> Tensor:
    """Return (N, 1, side, side) float of (N, C, H, W) uint8 or float: grey, area-averaged."""
    return torch.cat(
        [
            F.interpolate(part.float().mean(1, keepdim=True), size=(side, side), mode="area")
            for part in torch.split(images, at_once(images.shape, 64))
        ]
    )


class NearestNeighbourDistance:
    """Compares changed images with normal ones by the distance to the nearest other one.

    Args:
        small: (N, 1, h, w) from ``thumbnails``, N >= 3.
    """

    def __init__(self, small: Tensor) -> None:
        self.mean = small.mean(0)
        """(1, h, w), taken off all images: distances of bright ones, which are small differences of
        large squares, would be lost in rounding."""
        self.small = (small - self.mean).flatten(1)
        self.own = torch.eye(len(small), dtype=torch.bool)
        apart = torch.cdist(self.small, self.small)
        self.usual = apart[~self.own].median()
        self.nearest = apart.masked_fill(self.own, torch.inf).amin(1).median()

    def of(self, changed: Tensor) -> float:
        """Return the median distance of changed images (N, 1, h, w) to their nearest *other* image.

        0 is that of an unchanged image, 1 that of two arbitrary ones; where there is no difference
        between these, what is no further away has 0, and all else infinity.
        """
        apart = torch.cdist((changed - self.mean).flatten(1), self.small)
        more = apart.masked_fill(self.own, torch.inf).amin(1).median() - self.nearest
        return 0.0 if more <= 0 else float(more / (self.usual - self.nearest).clamp_min(0))
