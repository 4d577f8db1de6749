"""Depth of grey: files of 16 bits a pixel of which the camera used fewer."""

import logging
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

from hardsight.data.images import decoded
from hardsight.data.opening import FormatError, opened

_log = logging.getLogger(__name__)
_UNUSED = 2
"""Bits of a container that may stay unused before it is worth a sentence."""


class DepthCheck:
    """Warns of grey images whose 16 bits a pixel are not used, once, naming one.

    They are of one camera: after an image of 16 bits that is not black no other is looked at.

    Args:
        bits: at which they are read, see ``read_image``; None: all 16, else there is nothing to
            warn of.
    """

    def __init__(self, bits: int | None = None) -> None:
        self._done, self._lock = bits is not None, Lock()

    def file(self, path: Path, name: str | None = None) -> None:
        """Look at an image file, called by its path where it has no other name.

        Raises:
            ImageError: as ``read_image``.
        """
        if not self._done:
            self._judge(brightest_of_sixteen(path), name or str(path))

    def picture(self, image: Image.Image, name: str) -> None:
        """Look at a Pillow image."""
        if not self._done:
            self._judge(_brightest(image), name)

    def _judge(self, brightest: int | None, name: str) -> None:
        if not brightest:
            return
        with self._lock:
            done, self._done = self._done, True
        used = bits_needed(brightest)
        if used is not None and not done:
            _log.warning(
                f"{name} has 16 bits a pixel but no value above {brightest:,}, which needs {used}: "
                f"it is scored {2 ** (16 - used)} times too dark; stretch it with --bits {used} "
                f"(in Python predict(..., bits={used}))"
            )


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
            return _brightest(image)
    except FormatError:
        decoded(path)
        return None


def _brightest(image: Image.Image) -> int | None:
    return int(np.array(image).max()) if image.mode.startswith("I") else None
