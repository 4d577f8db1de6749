"""Every sort of file that people have, made here, against pixels computed here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import GREY, RGB, SIDES, chw, save
from PIL import Image

from hardsight.data import ImageError, read_image
from hardsight.data.images import geometry

RNG = np.random.default_rng(0)


def test_eight_bit_rgb_and_grey_are_exact(tmp_path: Path) -> None:
    for array in (RGB, GREY):
        for suffix in ("png", "bmp", "tif"):
            image = read_image(save(tmp_path / f"a.{suffix}", array))
            assert image.dtype == torch.float32
            assert image.is_contiguous()
            torch.testing.assert_close(image, chw(array / 255), rtol=0, atol=1e-7)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bit_grey_keeps_every_value(tmp_path: Path, suffix: str) -> None:
    array = RNG.integers(0, 65536, (31, 40), dtype=np.uint16)
    array[0, :2] = 0, 65535
    image = read_image(save(tmp_path / f"a.{suffix}", array))
    assert torch.equal((image * 65535).round().int()[0], torch.from_numpy(array.astype(np.int32)))
    assert torch.equal(image[0], image[2])


def test_sixteen_bit_precision_survives_resizing(tmp_path: Path) -> None:
    array = np.full((40, 40), 1000, np.uint16)
    array[:, 20:] = 1001  # less than a hundredth of an 8-bit step apart
    image = read_image(save(tmp_path / "a.png", array), 10)
    assert image[0, 0, 0] * 65535 == pytest.approx(1000, abs=0.01)
    assert image[0, 0, 9] * 65535 == pytest.approx(1001, abs=0.01)


def test_int32_is_sixteen_bit_or_an_error(tmp_path: Path) -> None:
    array = RNG.integers(0, 65536, (8, 9)).astype(np.int32)
    image = read_image(save(tmp_path / "a.tif", array))
    torch.testing.assert_close(image, chw(array / 65535), rtol=0, atol=1e-6)
    for wrong in (70000, -1):
        array[0, 0] = wrong
        with pytest.raises(ImageError, match=rf"{wrong:g}.*outside \[0, 65535\]; rescale"):
            read_image(save(tmp_path / "b.tif", array))


def test_bits_stretch_grey_of_less_depth(tmp_path: Path) -> None:
    array = RNG.integers(0, 4096, (8, 9), dtype=np.uint16)
    array[0, :2] = 0, 4095
    path = save(tmp_path / "a.png", array)
    torch.testing.assert_close(read_image(path, bits=12), chw(array / 4095), rtol=0, atol=1e-7)
    save(tmp_path / "b.png", GREY)
    with pytest.raises(ImageError, match=r"\[0, 4095\], outside \[0, 1023\]; raise bits"):
        read_image(path, bits=10)
    assert torch.equal(read_image(tmp_path / "b.png", bits=12), read_image(tmp_path / "b.png"))
    with pytest.raises(ValueError, match=r"bits must be in 1\.\.16, got 17"):
        read_image(path, bits=17)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("orientation", [*SIDES, 9])
def test_geometry_is_that_of_the_image_as_shown(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    path = save(tmp_path / f"a.{suffix}", RGB, exif=exif)
    height, width = read_image(path).shape[-2:]
    known = orientation if orientation in SIDES else 1
    assert geometry(path) == (height, width, known, False)


def test_transparent_pixels_are_black_whatever_they_hide(tmp_path: Path) -> None:
    alpha = RNG.integers(0, 256, (12, 17, 1), dtype=np.uint8)
    image = read_image(save(tmp_path / "a.png", np.concatenate([RGB, alpha], 2)))
    torch.testing.assert_close(image, chw(RGB / 255 * (alpha / 255)), rtol=0, atol=1e-6)
    image = read_image(save(tmp_path / "b.png", np.stack([GREY, alpha[..., 0]], 2)))
    torch.testing.assert_close(image, chw(GREY / 255 * (alpha[..., 0] / 255)), rtol=0, atol=1e-6)


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    index = RNG.integers(0, 3, (12, 17), dtype=np.uint8)
    colours = np.array([[250, 10, 20], [30, 240, 40], [50, 60, 230]], np.uint8)
    paletted = Image.fromarray(index)
    paletted.putpalette(colours.tobytes())
    for suffix in ("png", "gif"):
        paletted.save(tmp_path / f"a.{suffix}")
        image = read_image(tmp_path / f"a.{suffix}")
        torch.testing.assert_close(image, chw(colours[index] / 255), rtol=0, atol=1e-6)
    seen = np.array([1, 0, 0.2])
    paletted.save(tmp_path / "b.png", transparency=bytes([255, 0, 51]))
    expected = colours[index] / 255 * seen[index][..., None]
    torch.testing.assert_close(read_image(tmp_path / "b.png"), chw(expected), rtol=0, atol=1e-6)


def test_transparency_by_key_colour(tmp_path: Path) -> None:
    key = int(GREY[3, 4])
    save(tmp_path / "a.png", GREY, transparency=key)
    expected = np.where(key == GREY, 0, GREY) / 255
    torch.testing.assert_close(read_image(tmp_path / "a.png"), chw(expected), rtol=0, atol=1e-6)


def test_one_bit(tmp_path: Path) -> None:
    bits = GREY > 100
    Image.fromarray(bits).save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "1"
    assert torch.equal(read_image(tmp_path / "a.png"), chw(bits))


def test_cmyk_jpeg(tmp_path: Path) -> None:
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[:, 8:] = 255, 0, 0, 0  # paper on the left, cyan on the right
    Image.fromarray(ink, mode="CMYK").save(tmp_path / "a.jpg", quality=95)
    assert Image.open(tmp_path / "a.jpg").mode == "CMYK"
    image = read_image(tmp_path / "a.jpg")
    torch.testing.assert_close(image[:, 4, 2], torch.ones(3), rtol=0, atol=0.03)
    torch.testing.assert_close(image[:, 4, 13], torch.tensor([0.0, 1, 1]), rtol=0, atol=0.03)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", SIDES)
def test_exif_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    save(
        tmp_path / f"a.{suffix}", RGB, exif=exif, **({"lossless": True} if suffix == "webp" else {})
    )
    rows, columns = RGB.shape[:2]
    upright = np.zeros((rows, columns, 3) if orientation < 5 else (columns, rows, 3), np.uint8)
    height, width = upright.shape[:2]
    for r in range(rows):
        for c in range(columns):
            at = {}
            for side, steps in zip(SIDES[orientation], (r, c), strict=True):
                if side in ("top", "bottom"):
                    at["y"] = steps if side == "top" else height - 1 - steps
                else:
                    at["x"] = steps if side == "left" else width - 1 - steps
            upright[at["y"], at["x"]] = RGB[r, c]
    torch.testing.assert_close(
        read_image(tmp_path / f"a.{suffix}"), chw(upright / 255), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp", "mpo"])
def test_first_frame(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (10, 200)]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    torch.testing.assert_close(
        read_image(tmp_path / f"a.{suffix}"), torch.full((3, 8, 8), 10 / 255)
    )


def test_resizing_averages_and_keeps_the_range(tmp_path: Path) -> None:
    checks = np.indices((64, 64)).sum(0) % 2 * np.uint8(255)
    path = save(tmp_path / "a.png", checks.astype(np.uint8))
    small = read_image(path, (8, 16))
    assert small.shape == (3, 8, 16)
    torch.testing.assert_close(small, torch.full((3, 8, 16), 0.5), rtol=0, atol=0.02)
    large = read_image(path, 100)
    assert large.shape == (3, 100, 100)
    assert large.min() >= 0
    assert large.max() <= 1
    with pytest.raises(ValueError, match="size must be positive, got 0"):
        read_image(path, 0)
