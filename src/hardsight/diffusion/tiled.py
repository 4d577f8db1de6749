"""A denoiser of small images on large ones, tile by tile."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hardsight.core.batches import at_once, in_parts
from hardsight.data import Tiles
from hardsight.diffusion.base import Denoiser, Prediction

Of = Callable[[Tensor, int | Tensor], Sequence[Tensor | None]]
"""From (B, C, H, W) and diffusion steps, one or (B,), to what a denoiser predicts."""
TILES = 16
"""In one pass at most; fewer where they are large."""


class TiledDenoiser(Denoiser):
    """Denoises pictures (B, C, H, W) by their tiles, and blends what it predicts.

    The noise is the picture's own: tiles that overlap see the same noise where they do, and every
    formula that holds for a denoiser of pictures holds for this one. The tiles of all pictures go
    through the denoiser at most ``TILES`` at a time.

    Args:
        denoiser: of images of the tiles' size; shared, not copied.
        tiles: the grid.
    """

    def __init__(self, denoiser: Denoiser, tiles: Tiles) -> None:
        super().__init__(denoiser.schedule)
        self.denoiser, self.tiles = denoiser, tiles

    def forward(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Return the predicted clean picture, (B, C, H, W)."""
        (x0,) = self._by_tiles(lambda x, t: (self.denoiser(x, t),), x_t, t)
        assert x0 is not None
        return x0

    def predict(self, x_t: Tensor, t: int | Tensor) -> Prediction:
        """Return the predicted clean picture and, where it is learned, the log-variance."""
        x0, log_variance = self._by_tiles(self.denoiser.predict, x_t, t)
        assert x0 is not None
        return Prediction(x0, log_variance)

    def _by_tiles(self, function: Of, x_t: Tensor, t: int | Tensor) -> Sequence[Tensor | None]:
        """Join what a function of tiles gives, some pictures at a time: their tiles are copies."""
        some = max(1, TILES // len(self.tiles))
        if torch.compiler.is_compiling() or len(x_t) <= some:  # a graph takes any number at once
            return self._joined(function, x_t, t)
        steps = torch.split(torch.as_tensor(t).expand(len(x_t)), some)
        pictures = zip(torch.split(x_t, some), steps, strict=True)
        parts = [self._joined(function, x, s) for x, s in pictures]
        return [
            None if column[0] is None else torch.cat(column) for column in zip(*parts, strict=True)
        ]

    def _joined(self, function: Of, x_t: Tensor, t: int | Tensor) -> Sequence[Tensor | None]:
        """Join what a function of tiles gives, some tiles at a time."""
        each = None
        if isinstance(t, Tensor):
            each = t.expand(len(x_t)).repeat_interleave(len(self.tiles))
        found = in_parts(
            lambda x, s: function(x, t if s is None else s),
            at_once(self.tiles.tile, TILES),
            self.tiles.cut(x_t),
            each,
        )
        return [None if f is None else self.tiles.join(f) for f in found]
