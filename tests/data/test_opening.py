"""Files that are damaged, too large or no images: an error that names the way out."""

import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import RGB, chw, save
from PIL import Image

from hardsight.data import Decoding, Frame, ImageError, read_image, read_mask
from hardsight.data.image_check import ImageCheck

RNG = np.random.default_rng(0)


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


def test_a_name_that_no_file_can_have_is_an_image_that_cannot_be_used(tmp_path: Path) -> None:
    decoding = Decoding((4, 4))
    frame = Frame.read(tmp_path / ("x" * 300), decoding, ImageCheck(decoding))
    assert frame.image is None
    assert "it cannot be read (File name too long)" in str(frame.error)
