import pytest
import torch

from hardsight.augment import cropped


def numbered(n: int, height: int, width: int) -> torch.Tensor:
    """Pictures whose pixels say which and where they are: (n, 3, H, W)."""
    which = torch.arange(n).view(-1, 1, 1).expand(n, height, width)
    y = torch.arange(height).view(1, -1, 1).expand_as(which)
    x = torch.arange(width).view(1, 1, -1).expand_as(which)
    return torch.stack([which, y, x], 1)


def test_squares_of_the_right_pictures_the_same_in_all_of_them():
    pictures, index = numbered(4, 20, 30), torch.tensor([2, 0, 2, 3])
    a, b = cropped(index, 8, torch.Generator().manual_seed(0), pictures, pictures[:, 1:] + 100)
    assert a.shape == (4, 3, 8, 8)
    assert torch.equal(a[:, 0], index.view(-1, 1, 1).expand(4, 8, 8))
    for axis, dim in ((1, 1), (2, 2)):
        corner = a[:, axis, :1, :1]
        steps = torch.arange(8).view([1, -1, 1] if dim == 1 else [1, 1, -1])
        assert torch.equal(a[:, axis], (corner + steps).expand(4, 8, 8))
    assert torch.equal(b, a[:, 1:] + 100)


def test_every_pixel_is_seen_and_the_border_half_as_often_as_the_rest():
    """Rows: 4,000 crops of 8 out of 32; a row inside lies in 8 / 32 of them, the first in 1 / 8."""
    index = torch.zeros(4000, dtype=torch.long)
    (found,) = cropped(index, 8, torch.Generator().manual_seed(0), numbered(1, 32, 32))
    share = torch.bincount(found[:, 1, :, 0].flatten(), minlength=32) / 4000
    assert float(share[0]) == pytest.approx(1 / 8, abs=0.02)
    assert float(share[31]) == pytest.approx(1 / 8, abs=0.02)
    assert float(share[8:24].min()) == pytest.approx(1 / 4, abs=0.03)


def test_whole_pictures_draw_nothing():
    pictures, g = numbered(3, 6, 6), torch.Generator().manual_seed(0)
    before = g.get_state()
    (found,) = cropped(torch.tensor([1, 1]), None, g, pictures)
    assert torch.equal(found, pictures[[1, 1]])
    assert torch.equal(g.get_state(), before)


def test_a_square_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="side=9 must be between 1 and the pictures' 8 x 10"):
        cropped(torch.tensor([0]), 9, torch.Generator(), numbered(1, 8, 10))
