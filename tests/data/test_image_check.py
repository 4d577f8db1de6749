"""What is odd about images that are scored is told once, and the first is named."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from hardsight.data import Decoding, read_ahead
from hardsight.data.image_check import ImageCheck, Once

DECODING = Decoding((8, 8))


def grey(path: Path, brightest: int) -> Path:
    pixels = np.zeros((8, 8), np.uint16)
    pixels[3, 4] = brightest
    Image.fromarray(pixels).save(path)
    return path


def coloured(path: Path, side: int, mode: str = "RGB") -> Path:
    Image.new(mode, (side, side)).save(path)
    return path


def test_depth_is_told_of_once_by_an_image_that_is_not_black(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"a": 0, "b": 4000, "c": 4095}
    paths = [grey(tmp_path / f"{name}.png", value) for name, value in values.items()]
    assert [f.error for f in read_ahead(paths, DECODING, ahead=0)] == [None] * 3
    (said,) = caplog.messages
    assert said.startswith(f"{paths[1]} has 16 bits a pixel but no value above 4,000")
    assert "16 times too dark; stretch it with --bits 12" in said


def test_nothing_is_said_of_bright_images_or_where_the_depth_is_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dark, bright = grey(tmp_path / "a.png", 4095), grey(tmp_path / "b.png", 60000)
    assert len(list(read_ahead([dark], Decoding((8, 8), bits=12), 1))) == 1
    check = ImageCheck(DECODING)
    for path in (bright, dark):
        check.file(path)
    check.picture(Image.open(dark), "dark")
    assert not caplog.messages


def test_transparency_and_small_images_are_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [
        coloured(tmp_path / "plain.png", 2),
        coloured(tmp_path / "clear.png", 8, "RGBA"),
        coloured(tmp_path / "both.png", 1, "LA"),
        coloured(tmp_path / "again.png", 1, "RGBA"),
    ]
    assert len(list(read_ahead(paths, DECODING, ahead=0))) == 4
    assert caplog.messages == [
        f"{paths[1]} has transparency, read over black",
        f"{paths[2]} is enlarged more than 4 times, from 1 x 1 to 8 x 8: what is fine cannot be "
        "seen",
    ]


def test_formats_that_pillow_does_not_know_and_arrays_are_looked_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "float.tif"
    tifffile.imwrite(path, np.zeros((1, 2, 3), np.float32), photometric="rgb")
    ImageCheck(DECODING).file(path)
    ImageCheck(DECODING).shape((1, 8), "images[0]")
    assert [said.split(" is ")[0] for said in caplog.messages] == [str(path), "images[0]"]
    assert "from 8 x 1 to 8 x 8" in caplog.messages[1]


def test_several_readers_that_tell_one_say_it_once(caplog: pytest.LogCaptureFixture) -> None:
    once = Once()
    for name in ("a", "b"):
        ImageCheck(DECODING, once).shape((1, 1), name)
    assert [said[:4] for said in caplog.messages] == ["a is"]
