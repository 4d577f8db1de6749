from itertools import pairwise

import pytest
import torch
from torch import Tensor

from hardsight.data import Tiles

GRIDS = [
    ((40, 56), (16, 16), 0.25),
    ((33, 16), (16, 16), 0.0),
    ((20, 30), (8, 12), 0.7),
    ((16, 16), (16, 16), 0.25),
    ((17, 23), (16, 5), 0.5),
]


def pictures(size: tuple[int, int], dtype: torch.dtype = torch.float32) -> Tensor:
    g = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, *size, generator=g, dtype=dtype)


def weights(tiles: Tiles) -> Tensor:
    """(T, H, W): each tile's share in each pixel, as ``join`` weighs it."""
    height, width = tiles.tile
    count = len(tiles)
    chosen = torch.eye(count, dtype=torch.float64)[:, :, None, None, None]
    lit = chosen.expand(count, count, 1, height, width).reshape(-1, 1, height, width)
    return tiles.join(lit)[:, 0]


@pytest.mark.parametrize(("size", "tile", "overlap"), GRIDS)
def test_tiles_are_the_pictures_pixels_and_none_is_padded(size, tile, overlap):
    tiles, x = Tiles(size, tile, overlap), pictures(size)
    cut = tiles.cut(x).view(2, len(tiles), 3, *tile)
    for i, (top, left) in enumerate(tiles.corners):
        assert torch.equal(cut[:, i], x[:, :, top : top + tile[0], left : left + tile[1]])
    for starts, n, t in zip(zip(*tiles.corners, strict=True), size, tile, strict=True):
        places = sorted(set(starts))
        assert (places[0], places[-1]) == (0, n - t)
        least = round(t * overlap)
        assert all(a + t - b >= least for a, b in pairwise(places))


@pytest.mark.parametrize(("size", "tile", "overlap"), GRIDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_tiles_agree_on_is_kept_to_the_last_bit(size, tile, overlap, dtype):
    tiles, x = Tiles(size, tile, overlap), pictures(size, dtype)
    assert torch.equal(tiles.join(tiles.cut(x)), x)


@pytest.mark.parametrize(("size", "tile", "overlap"), GRIDS)
def test_weights_are_a_partition_of_unity_inside_the_tiles(size, tile, overlap):
    tiles = Tiles(size, tile, overlap)
    share = weights(tiles)
    torch.testing.assert_close(share.sum(0), torch.ones(size, dtype=torch.float64))
    for one, (top, left) in zip(share, tiles.corners, strict=True):
        inside = torch.zeros(size, dtype=torch.bool)
        inside[top : top + tile[0], left : left + tile[1]] = True
        assert bool((one[~inside] == 0).all())
        assert float(one.min()) >= -1e-15


def test_a_tile_fades_out_towards_its_inner_borders_and_not_at_the_pictures_edge():
    """Two tiles of 32 with 8 pixels in common: the closed form of the normalised sine windows."""
    share = weights(Tiles((32, 56), (32, 32), 0.25))
    assert bool((share[0, :, :24] == 1).all())
    p = torch.arange(24, 32, dtype=torch.float64)
    a = torch.sin(torch.pi * (p + 0.5) / 32) ** 2
    b = torch.sin(torch.pi * (p - 24 + 0.5) / 32) ** 2
    torch.testing.assert_close(share[0, 5, 24:32], a / (a + b))
    steps = share[0, 5].diff().abs()
    assert float(steps.max()) < 2.5 / 8  # 1 for a hard edge, 1 / 8 for a straight slope
    assert float(steps[23]) < 0.02  # where the second tile begins nothing jumps
    assert float(steps[31]) < 0.02


def test_both_ways_are_exact_transposes_of_their_gradients():
    tiles = Tiles((9, 11), (4, 5), 0.4)
    x = pictures((9, 11), torch.float64)[:1, :1].requires_grad_()
    assert torch.autograd.gradcheck(tiles.cut, x)
    y = tiles.cut(x).detach().square().requires_grad_()
    assert torch.autograd.gradcheck(tiles.join, y)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"overlap must be in \[0, 1\), got 1"):
        Tiles((16, 16), (8, 8), 1)
    with pytest.raises(ValueError, match="take smaller tiles"):
        Tiles((16, 7), (8, 8))
    with pytest.raises(ValueError, match="must be 16 x 16 pixels, got 16 x 8"):
        Tiles((16, 16), (8, 8)).cut(torch.zeros(1, 3, 16, 8))
