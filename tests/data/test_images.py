"""Every sort of file that people have, made here, against pixels computed here."""

import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from hardsight.data import Decoding, Frame, ImageError, read_image, read_mask
from hardsight.data.depth import bits_needed, brightest_of_sixteen
from hardsight.data.image_check import ImageCheck
from hardsight.data.images import decode_image, geometry

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (12, 17, 3), dtype=np.uint8)
GREY = RGB[..., 0]


SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
"""EXIF 2.3, tag 274: the visual side of the stored row 0, and of the stored column 0."""


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def chw(array: np.ndarray) -> torch.Tensor:
    array = array if array.ndim == 3 else np.repeat(array[..., None], 3, 2)
    return torch.from_numpy(array.astype(np.float64)).permute(2, 0, 1).float()


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


@pytest.mark.parametrize("array", [GREY, GREY * np.uint16(257)], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("orientation", SIDES)
def test_a_grey_tiff_is_turned_as_a_png_is(
    tmp_path: Path, orientation: int, array: np.ndarray
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    upright = read_image(save(tmp_path / "a.png", array, exif=exif))
    assert torch.equal(read_image(save(tmp_path / "a.tif", array, exif=exif)), upright)


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(RGB).save(path, format="PNG")
    torch.testing.assert_close(read_image(path), chw(RGB / 255), rtol=0, atol=1e-7)
    (tmp_path / "b.png").write_text("This is not an image.\n" * 20)
    with pytest.raises(ImageError, match=r"b\.png: it is none of the formats PNG, .*convert"):
        read_image(tmp_path / "b.png")


def test_a_program_for_ghostscript_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n%%EOF\n")
    with pytest.raises(ImageError, match="none of the formats"):
        read_image(path)


def test_missing_empty_and_folder(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageError, match="0 bytes") as caught:
        read_image(tmp_path / "empty.png")
    assert caught.value.path == tmp_path / "empty.png"
    assert "0 bytes" in caught.value.reason
    assert str(tmp_path / "empty.png") in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.path, again.reason) == (caught.value.path, caught.value.reason)
    with pytest.raises(ImageError, match=r"did you mean.*empty\.png"):
        read_image(tmp_path / "emty.png")
    with pytest.raises(ImageError, match="folder"):
        read_image(tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
def test_a_truncated_file_is_an_error_or_lacks_nothing(tmp_path: Path, suffix: str) -> None:
    whole = save(tmp_path / f"a.{suffix}", RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    data, image = whole.read_bytes(), read_image(whole)
    read = 0
    for length in np.linspace(1, len(data) - 1, 40).astype(int):
        whole.write_bytes(data[:length])
        try:
            decoded = read_image(whole)
        except ImageError:
            continue
        assert torch.equal(decoded, image)
        read += 1
    assert read <= 5
    whole.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=r"damaged or incomplete .*; restore it"):
        read_image(whole)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "gif", "webp", "ppm", "jp2"])
def test_damage_never_raises_anything_else(tmp_path: Path, suffix: str) -> None:
    stream = io.BytesIO()
    kind = {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000"}.get(suffix, suffix.upper())
    Image.fromarray(RGB).save(stream, format=kind)
    rng = np.random.default_rng(1)
    path, outcomes = tmp_path / f"a.{suffix}", set()
    for _ in range(60):
        data = bytearray(stream.getvalue())
        for place in rng.integers(0, min(len(data), 400), 6):
            data[place] = rng.integers(256)
        path.write_bytes(data)
        try:
            image = read_image(path, max_pixels=10**6)
            assert image.shape[0] == 3
            assert 0 <= image.min() <= image.max() <= 1
            outcomes.add("read")
        except ImageError:
            outcomes.add("error")
    assert "error" in outcomes


def bomb(path: Path, side: int) -> Path:
    """A PNG of a few bytes whose header promises side x side pixels, with none of them."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    return path


def test_decompression_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="MAX_IMAGE_PIXELS"):
        read_image(bomb(tmp_path / "a.png", 60000))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # as many programs do
    with pytest.raises(ImageError, match=r"60000 x 60000 pixels .*max_pixels=200,000,000"):
        read_image(tmp_path / "a.png")
    path = save(tmp_path / "b.png", RGB)
    assert read_image(path, max_pixels=RGB[..., 0].size).shape == (3, 12, 17)
    with pytest.raises(ImageError, match="more than max_pixels"):
        read_image(path, max_pixels=RGB[..., 0].size - 1)
    with pytest.raises(ImageError, match="more than max_pixels"):
        read_mask(path, max_pixels=10)


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


def test_a_name_that_no_file_can_have_is_an_image_that_cannot_be_used(tmp_path: Path) -> None:
    decoding = Decoding((4, 4))
    frame = Frame.read(tmp_path / ("x" * 300), decoding, ImageCheck(decoding))
    assert frame.image is None
    assert "it cannot be read (File name too long)" in str(frame.error)
