"""Depth of grey: files of 16 bits a pixel of which the camera used fewer."""

from pathlib import Path

from PIL import Image

from hardsight.data.images import decoded, values_of_sixteen
from hardsight.data.opening import FormatError, opened

_UNUSED = 2
"""Bits of a container that may stay unused before it is worth a sentence."""


def bits_needed(brightest: int) -> int | None:
    """Return the bits of the largest value of images of 16; None: as good as all, or none."""
    used = brightest.bit_length()
    return used if 0 < used <= 16 - _UNUSED else None


def brightest_of_sixteen(path: Path) -> int | None:
    """Return the largest value of a grey image in a container of 16 bits; None for any other.

    Raises:
        ImageError: as ``read_image``.
    """
    try:
        with opened(path) as image:
            return brightest(image)
    except FormatError:
        decoded(path)
        return None


def brightest(image: Image.Image) -> int | None:
    """Return the largest value of an opened image, as ``brightest_of_sixteen`` does of a file."""
    return int(values_of_sixteen(image).max()) if image.mode.startswith("I") else None
