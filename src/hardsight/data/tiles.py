"""Large pictures as overlapping tiles, and the tiles as a picture again."""

import math

import torch
from torch import Tensor


class Tiles:
    """A grid of equal tiles that covers a picture without padding.

    Neighbours share at least ``overlap`` of a tile, as nearly as whole pixels allow; the last row
    and column are moved in to the picture's edge. Where tiles overlap they are blended by sine
    windows normalised to a partition of unity, so that a tile fades out towards its border and no
    seam shows. Both ways are linear, differentiable and deterministic, and what the tiles agree on
    is kept to the last bit: ``join(cut(x)) == x``.

    Args:
        size: (height, width) of the picture in pixels.
        tile: (height, width) of a tile, at most the picture's.
        overlap: share of a tile's side, in [0, 1).

    Raises:
        ValueError: a tile larger than the picture, or an overlap out of its range.
    """

    def __init__(self, size: tuple[int, int], tile: tuple[int, int], overlap: float = 0.25) -> None:
        if not 0 <= overlap < 1:
            raise ValueError(f"overlap must be in [0, 1), got {overlap}; 0.25 is usual")
        if not all(1 <= t <= n for t, n in zip(tile, size, strict=True)):
            raise ValueError(
                f"tiles of {tile[0]} x {tile[1]} pixels do not fit into pictures of "
                f"{size[0]} x {size[1]}; take smaller tiles, or larger pictures"
            )
        self.size, self.tile, self.overlap = size, tile, overlap
        self._rows, self._columns = (_Line(n, t, overlap) for n, t in zip(size, tile, strict=True))

    def __len__(self) -> int:
        """Count the tiles of one picture."""
        return len(self._rows.starts) * len(self._columns.starts)

    @property
    def corners(self) -> list[tuple[int, int]]:
        """(top, left) of each tile in pixels, row by row: the order of ``cut``."""
        return [(top, left) for top in self._rows.starts for left in self._columns.starts]

    def cut(self, pictures: Tensor) -> Tensor:
        """Cut (B, C, H, W) into tiles (B * T, C, h, w), the T of each picture together."""
        if pictures.shape[-2:] != self.size:
            raise ValueError(
                f"pictures must be {self.size[0]} x {self.size[1]} pixels, "
                f"got {pictures.shape[-2]} x {pictures.shape[-1]}"
            )
        b, c = pictures.shape[:2]
        (r, h), (k, w) = self._rows.cells.shape, self._columns.cells.shape
        x = _take(
            _take(pictures, -2, self._rows.cells.flatten()), -1, self._columns.cells.flatten()
        )
        return x.view(b, c, r, h, k, w).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, h, w)

    def join(self, tiles: Tensor) -> Tensor:
        """Join tiles (B * T, C, h, w) to (B, C, H, W), blended; the reverse of ``cut``."""
        (r, h), (k, w) = self._rows.cells.shape, self._columns.cells.shape
        c = tiles.shape[1]
        x = tiles.view(-1, r, k, c, h, w).permute(0, 3, 1, 4, 2, 5).reshape(-1, c, r * h, k * w)
        return self._rows.blend(self._columns.blend(x, -1), -2)


class _Line:
    """The tiles of one dimension: where they lie, and which of them make up each pixel."""

    def __init__(self, n: int, tile: int, overlap: float) -> None:
        stride = max(1, round(tile * (1 - overlap)))
        self.starts = [*range(0, n - tile, stride), n - tile]
        self.cells = torch.tensor(self.starts)[:, None] + torch.arange(tile)
        window = torch.sin(math.pi * (torch.arange(tile, dtype=torch.float64) + 0.5) / tile) ** 2
        weight = torch.zeros(len(self.starts), n, dtype=torch.float64)
        weight.scatter_(1, self.cells, window.expand(len(self.starts), -1))
        weight /= weight.sum(0)
        most = int((weight > 0).sum(0).max())
        ranked = weight.sort(dim=0, descending=True, stable=True)
        self.shares, covering = ranked.values[:most], ranked.indices[:most]  # (most, n)
        place = torch.arange(n) - torch.tensor(self.starts)[covering]
        self.sources = covering * tile + place.masked_fill(self.shares == 0, 0)

    def blend(self, x: Tensor, dim: int) -> Tensor:
        """Blend (..., T * tile, ...) to (..., n, ...) along ``dim``, -1 or -2."""
        found = first = _take(x, dim, self.sources[0])
        for source, share in zip(self.sources[1:], self.shares[1:], strict=True):
            weight = share.to(x) if dim == -1 else share.to(x)[:, None]
            found = found + weight * (_take(x, dim, source) - first)
        return found


def _take(x: Tensor, dim: int, index: Tensor) -> Tensor:
    return x.index_select(dim, index.to(x.device))
