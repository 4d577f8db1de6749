import pytest
import torch

from hardsight.data import foreground_sheet, sheet


def test_pictures_stand_where_they_belong():
    images = torch.stack([torch.full((3, 8, 8), i / 10) for i in range(5)])
    masks = torch.ones(5, 1, 8, 8, dtype=torch.bool)
    found = sheet(images, masks, columns=3, side=4)
    assert found.shape == (3, 16, 12)
    for i in range(5):
        row, column = divmod(i, 3)
        tile = found[:, row * 8 : row * 8 + 4, column * 4 : column * 4 + 4]
        torch.testing.assert_close(tile, torch.full_like(tile, i / 10))
        below = found[:, row * 8 + 4 : row * 8 + 8, column * 4 : column * 4 + 4]
        assert (below == 1).all()
    assert (found[:, 8:, 8:] == 0).all()


def test_bytes_and_floats_look_the_same():
    image = torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8)
    torch.testing.assert_close(sheet(image, side=8), sheet(image.float() / 255, side=8))


def test_background_is_dimmed_to_red():
    images = torch.ones(2, 3, 8, 8)
    where = torch.zeros(2, 1, 8, 8, dtype=torch.bool)
    where[..., :4, :] = True
    found = foreground_sheet(images, where)
    tile = found[:, 96:, :96]
    assert (tile[:, :40] == 1).all()
    assert (tile[0, 60:] > tile[1, 60:]).all()


def test_rows_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match=r"\[1, 2\]"):
        sheet(torch.ones(1, 3, 4, 4), torch.ones(2, 3, 4, 4))
