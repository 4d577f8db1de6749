"""Files of 16 bits a pixel of which a camera used fewer are told of, once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardsight.data import Decoding, read_ahead
from hardsight.data.depth import DepthCheck, bits_needed, brightest_of_sixteen


def written(path: Path, brightest: int, dtype: type = np.uint16) -> Path:
    pixels = np.zeros((8, 8), dtype)
    pixels[3, 4] = brightest
    Image.fromarray(pixels).save(path)
    return path


def test_the_brightest_pixel_of_sixteen_bits_alone_is_looked_at(tmp_path: Path) -> None:
    assert brightest_of_sixteen(written(tmp_path / "a.png", 4095)) == 4095
    assert brightest_of_sixteen(written(tmp_path / "b.png", 200, np.uint8)) is None


@pytest.mark.parametrize(
    ("brightest", "bits"), [(0, None), (255, 8), (4095, 12), (4096, 13), (16384, None)]
)
def test_two_unused_bits_are_worth_a_sentence(brightest: int, bits: int | None) -> None:
    assert bits_needed(brightest) == bits


def test_a_stream_is_told_of_once_by_an_image_that_is_not_black(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"a": 0, "b": 4000, "c": 4095}
    paths = [written(tmp_path / f"{name}.png", value) for name, value in values.items()]
    assert [f.error for f in read_ahead(paths, Decoding((8, 8)), ahead=0)] == [None] * 3
    (said,) = caplog.messages
    assert said.startswith(f"{paths[1]} has 16 bits a pixel but no value above 4,000")
    assert "16 times too dark; stretch it with --bits 12" in said


def test_nothing_is_said_of_bright_images_or_where_the_depth_is_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dark, bright = written(tmp_path / "a.png", 4095), written(tmp_path / "b.png", 60000)
    assert len(list(read_ahead([dark], Decoding((8, 8), bits=12), 1))) == 1
    check = DepthCheck()
    for path in (bright, dark):
        check.file(path)
    check.picture(Image.open(dark), "dark")
    assert not caplog.messages
