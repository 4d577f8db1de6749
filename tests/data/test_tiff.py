"""TIFF files that Pillow reads in part or not at all."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from pictures import GREY, SIDES, chw, save
from PIL import Image

from hardsight.data import ImageError, read_image
from hardsight.data.depth import bits_needed, brightest_of_sixteen
from hardsight.data.images import decode_image, geometry

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3)])
def test_float_images_are_in_the_unit_range_or_of_255(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    array = RNG.random(shape).astype(np.float32)
    array.flat[:2] = 0, 1
    assert torch.equal(read_image(save_float(tmp_path / "a.tif", array)), chw(array))
    found = read_image(save_float(tmp_path / "b.tif", array * 255))
    torch.testing.assert_close(found, chw(array), rtol=0, atol=1e-6)
    for wrong in (1.5, 256, -0.1):
        array.flat[0] = wrong
        with pytest.raises(ImageError, match=r"float values are in .*outside \[0, 1\] and not"):
            read_image(save_float(tmp_path / "c.tif", array))
    array.flat[:2] = np.nan, np.inf
    with pytest.raises(ImageError, match=f"2 of its {array.size} values are NaN or infinite"):
        read_image(save_float(tmp_path / "c.tif", array))


def save_float(path: Path, array: np.ndarray) -> Path:
    tifffile.imwrite(path, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    return path


def test_float_tiffs_of_other_sorts(tmp_path: Path) -> None:
    array = RNG.random((8, 9, 3)).astype(np.float32)
    options = {"photometric": "rgb", "compression": "zlib", "planarconfig": "separate"}
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(array, 2, 0), **options)
    assert torch.equal(read_image(tmp_path / "a.tif"), chw(array))
    assert geometry(tmp_path / "a.tif") == (8, 9, 1, False)
    tifffile.imwrite(tmp_path / "b.tif", array.astype(np.uint32), photometric="rgb")
    with pytest.raises(ImageError, match=r"TIFF whose uint32 values .* are not read; save it"):
        read_image(tmp_path / "b.tif")
    tifffile.imwrite(tmp_path / "c.tif", array, photometric="rgb", extratags=[(274, 3, 1, 6)])
    with pytest.raises(ImageError, match="turned by its orientation tag; save it upright"):
        read_image(tmp_path / "c.tif")
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "d.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=r"cannot be decoded|damaged"):
        read_image(tmp_path / "d.tif")
    with pytest.raises(ImageError, match="more than max_pixels"):
        read_image(tmp_path / "a.tif", max_pixels=71)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_a_tiff_whose_zero_is_white_is_that_whose_zero_is_black(
    tmp_path: Path, kind: str, compression: str | None, orientation: int
) -> None:
    largest = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    black = (GREY / 255 * largest).astype(kind)
    options = {"compression": compression, "extratags": [(274, 3, 1, orientation)]}
    tifffile.imwrite(tmp_path / "a.tif", black, photometric="minisblack", **options)
    tifffile.imwrite(tmp_path / "b.tif", largest - black, photometric="miniswhite", **options)
    expected = read_image(tmp_path / "a.tif")
    torch.testing.assert_close(read_image(tmp_path / "b.tif"), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_16_bits_whose_zero_is_white_is_read_in_either_byte_order(
    tmp_path: Path, order: str
) -> None:
    """The file is written by hand: a header, one directory of ten tags, one strip of pixels."""
    black = GREY.astype(np.uint16) * 251 + 7
    rows, columns = black.shape
    pixels = (65535 - black).astype(f"{order}u2").tobytes()
    white, strip = 0, 8 + 2 + 10 * 12 + 4
    tags = {  # width, length, bits, compression, photometric, offset, samples, rows, bytes, planar
        256: columns, 257: rows, 258: 16, 259: 1, 262: white,
        273: strip, 277: 1, 278: rows, 279: len(pixels), 284: 1,
    }  # fmt: skip
    file = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, len(tags))
    for tag, value in tags.items():
        file += struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0)
    file += struct.pack(f"{order}I", 0) + pixels
    path = tmp_path / "a.tif"
    path.write_bytes(file)
    expected = chw(black / 65535)
    torch.testing.assert_close(read_image(path), expected, rtol=0, atol=1e-7)
    torch.testing.assert_close(decode_image(file), expected, rtol=0, atol=1e-7)
    assert geometry(path) == (rows, columns, 1, False)
    assert brightest_of_sixteen(path) == black.max()


def test_bits_are_counted_from_black(tmp_path: Path) -> None:
    dark = RNG.integers(0, 4096, (8, 9), dtype=np.uint16)
    dark[0, :2] = 0, 4095
    tifffile.imwrite(tmp_path / "a.tif", 65535 - dark, photometric="miniswhite")
    assert bits_needed(brightest_of_sixteen(tmp_path / "a.tif")) == 12
    found = read_image(tmp_path / "a.tif", bits=12)
    torch.testing.assert_close(found, chw(dark / 4095), rtol=0, atol=1e-7)
    tifffile.imwrite(tmp_path / "b.tif", dark / 4095.0, photometric="miniswhite")
    with pytest.raises(ImageError, match=r"TIFF whose float64 values .* are not read; save it"):
        read_image(tmp_path / "b.tif")


@pytest.mark.parametrize("array", [GREY, GREY * np.uint16(257)], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("orientation", SIDES)
def test_a_grey_tiff_is_turned_as_a_png_is(
    tmp_path: Path, orientation: int, array: np.ndarray
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    upright = read_image(save(tmp_path / "a.png", array, exif=exif))
    assert torch.equal(read_image(save(tmp_path / "a.tif", array, exif=exif)), upright)
