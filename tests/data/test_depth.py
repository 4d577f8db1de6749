"""Files of 16 bits a pixel of which a camera used fewer."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardsight.data.depth import bits_needed, brightest_of_sixteen


def test_the_brightest_pixel_of_sixteen_bits_alone_is_looked_at(tmp_path: Path) -> None:
    for value, dtype, found in ((4095, np.uint16, 4095), (200, np.uint8, None)):
        path = tmp_path / f"{value}.png"
        Image.fromarray(np.full((8, 8), value, dtype)).save(path)
        assert brightest_of_sixteen(path) == found


@pytest.mark.parametrize(
    ("brightest", "bits"), [(0, None), (255, 8), (4095, 12), (4096, 13), (16384, None)]
)
def test_two_unused_bits_are_worth_a_sentence(brightest: int, bits: int | None) -> None:
    assert bits_needed(brightest) == bits
