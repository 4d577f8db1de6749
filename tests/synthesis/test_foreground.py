import pytest
import torch

from hardsight.synthesis import foreground


def disc(size=64, at=(40, 24), radius=12, ground=200, tone=60):
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    inside = (y - at[0]) ** 2 + (x - at[1]) ** 2 < radius**2
    return torch.where(inside, tone, ground).to(torch.uint8).expand(3, -1, -1), inside


def test_an_object_on_an_even_ground_is_found_wherever_it_lies():
    pictures, truth = zip(*(disc(at=p) for p in ((20, 20), (40, 24), (30, 44))), strict=True)
    found = foreground(torch.stack(pictures))
    assert found.shape == (3, 1, 64, 64)
    assert found.dtype == torch.bool
    for mask, inside in zip(found[:, 0], truth, strict=True):
        assert mask[inside].all()
        overlap = (mask & inside).sum() / (mask | inside).sum()
        assert overlap > 0.45  # with a rim of about five pixels


def test_a_texture_is_foreground_everywhere():
    from skimage.data import gravel

    crops = [torch.from_numpy(gravel()[i : i + 64, i : i + 64]) for i in (0, 100, 200)]
    assert foreground(torch.stack(crops)[:, None].expand(-1, 3, -1, -1)).all()


def test_an_even_image_has_no_object_and_so_no_background():
    assert foreground(torch.full((2, 3, 32, 32), 90, dtype=torch.uint8)).all()


def test_an_empty_picture_among_objects_gets_a_mask_that_is_not_empty():
    picture, _ = disc()
    empty = torch.full_like(picture, 200)
    assert foreground(torch.stack([picture, picture, empty])).flatten(1).any(1).all()


def test_float_and_bytes_agree():
    pictures = torch.stack([disc()[0], disc(at=(20, 30))[0]])
    assert (foreground(pictures) == foreground(pictures.float() / 255)).all()


def test_a_single_image_without_its_batch_is_refused():
    with pytest.raises(ValueError, match=r"\(N, C, H, W\)"):
        foreground(torch.zeros(3, 32, 32))
