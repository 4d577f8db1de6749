"""Masks against pixels that are known: drawn sharp, then blurred, shrunk, turned and cut."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.data import ImageError, read_mask
from hardsight.data.masks import is_binary, is_thin, read_masks, resized_mask

DISC = np.hypot(*(np.indices((96, 96)) - 48)) < 30


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def drawn(height: int, width: int, rows: slice, columns: slice) -> torch.Tensor:
    mask = torch.zeros(1, height, width, dtype=torch.bool)
    mask[0, rows, columns] = True
    return mask


def test_grey_counts_from_half_of_the_largest_value(tmp_path: Path) -> None:
    disc = torch.from_numpy(DISC)[None]
    for value in (255, 100):
        sharp = save(tmp_path / "a.png", DISC * np.uint8(value))
        assert torch.equal(read_mask(sharp), disc)
        assert is_binary(sharp)
        lossy = save(tmp_path / "a.jpg", DISC * np.uint8(value), quality=70)
        assert (np.asarray(Image.open(lossy)) > 0).sum() > 1.05 * DISC.sum()  # the old rule
        assert (read_mask(lossy) != disc).sum() <= 0.01 * DISC.sum()
        assert not is_binary(lossy)
    fine = Image.fromarray(np.kron(DISC, np.ones((4, 4))).astype(np.uint8) * 255)
    smooth = np.asarray(fine.resize((96, 96), Image.Resampling.BILINEAR))
    assert torch.equal(read_mask(save(tmp_path / "b.png", smooth)), disc)


def test_class_numbers_and_channels(tmp_path: Path) -> None:
    numbers = np.array([[0, 1, 2], [3, 15, 0]], np.uint8)
    path = save(tmp_path / "a.png", numbers)
    assert read_mask(path).tolist() == [[[False, True, True], [True, True, False]]]
    assert is_binary(path)
    coloured = np.zeros((6, 6, 3), np.uint8)
    coloured[1, 1, 2], coloured[2, 2, 0], coloured[3, 3] = 200, 99, 100
    assert read_mask(save(tmp_path / "b.png", coloured)).nonzero().tolist() == [
        [0, 1, 1],
        [0, 3, 3],
    ]
    deep = np.zeros((6, 6), np.uint16)
    deep[0, :3] = 65535, 32768, 32767
    assert read_mask(save(tmp_path / "c.png", deep)).sum() == 2
    assert read_mask(save(tmp_path / "d.png", np.zeros((4, 4), np.uint8))).sum() == 0


def test_a_thin_scratch_stays_whole(tmp_path: Path) -> None:
    """2 x 400 pixels in a mask of 1,024, of which the nearest pixel of 256 shows nothing."""
    for left in range(300, 304):
        mask = drawn(1024, 1024, slice(200, 600), slice(left, left + 2))
        small = resized_mask(mask, (256, 256))
        rows, columns = small[0].nonzero().unbind(1)
        assert sorted(set(rows.tolist())) == list(range(50, 150))
        assert sorted(set(columns.tolist())) == sorted({left // 4, (left + 1) // 4})
    save(tmp_path / "a.png", mask[0].byte().numpy() * 255)
    assert is_thin(tmp_path / "a.png", 256)
    assert not is_thin(tmp_path / "a.png", 1024)


def test_a_speck_keeps_the_pixel_it_lies_in() -> None:
    mask = drawn(64, 64, slice(0, 32), slice(0, 32))
    mask[0, 50, 61] = True  # 1/64 of a pixel, beside a defect that stays
    small = resized_mask(mask, (8, 8))
    assert small[0].nonzero().tolist() == [[y, x] for y in range(4) for x in range(4)] + [[6, 7]]


def test_an_eighth_of_a_pixels_area_is_enough() -> None:
    """By brute force: whole 8 x 8 blocks and how much of each is covered."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 1, 6, 6, generator=generator)
    mask = torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic")[0] > 0.6
    blocks = mask[0].view(8, 8, 8, 8).float().mean((1, 3))
    small = resized_mask(mask, (8, 8))
    assert (blocks >= 1 / 8).sum() > 5
    assert torch.equal(small[0], blocks >= 1 / 8)
    assert torch.equal(resized_mask(small, (64, 64))[0], small[0].kron(torch.ones(8, 8)).bool())
    assert torch.equal(resized_mask(mask, (64, 64)), mask)


def test_masks_of_one_image_are_joined(tmp_path: Path) -> None:
    one, two = drawn(32, 32, slice(4), slice(8)), drawn(32, 32, slice(20, 30), slice(9))
    paths = [
        save(tmp_path / f"{i}.png", mask[0].byte().numpy() * 255)
        for i, mask in enumerate((one, two))
    ]
    image = save(tmp_path / "image.png", np.zeros((64, 64, 3), np.uint8))
    assert torch.equal(read_masks(image, paths), one | two)
    assert torch.equal(read_masks(image, paths, 32), one | two)
    small = save(tmp_path / "small.png", np.zeros((16, 16), np.uint8))
    with pytest.raises(ImageError, match=r"small\.png: its size is not that of 0\.png"):
        read_masks(image, [paths[0], small])
    assert torch.equal(read_masks(image, [paths[0], small], 32), one)


def test_the_shape_of_a_mask_must_be_that_of_its_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    stored = np.zeros((48, 64, 3), np.uint8)
    plain = save(tmp_path / "plain.png", stored)
    turned = save(tmp_path / "turned.png", stored, exif=exif)
    same = save(tmp_path / "same.png", np.zeros((48, 64), np.uint8))
    for size in ((24, 32), (47, 63), (96, 128)):
        read_masks(plain, [save(tmp_path / "scaled.png", np.zeros(size, np.uint8))], 16)
    with pytest.raises(ImageError, match=r"same\.png.*EXIF orientation 6: turn the mask as well"):
        read_masks(turned, [same], 16)
    letterboxed = save(tmp_path / "square.png", np.zeros((64, 64), np.uint8))
    with pytest.raises(ImageError, match=r"64 x 64 pixels and its image plain\.png 64 x 48"):
        read_masks(plain, [letterboxed], 16)
    read_masks(turned, [save(tmp_path / "turned_mask.png", np.zeros((64, 48), np.uint8))], 16)
