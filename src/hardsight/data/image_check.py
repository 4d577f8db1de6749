"""What a person must know of images that are scored, told once a run."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from PIL import Image

from hardsight.data.decoding import Decoding
from hardsight.data.depth import bits_needed, brightest
from hardsight.data.images import ENLARGED, decoded, is_small, shown
from hardsight.data.opening import FormatError, opened

Tell: TypeAlias = Callable[[str, str | None], None]
"""Takes what was looked at and a sentence about it; None: nothing is to be said of it."""
TRANSPARENCY = "transparency, read over black"
_DEPTH, _OPACITY, _SIZE = "depth", "opacity", "size"
_log = logging.getLogger(__name__)


class Once:
    """Warns of each thing that images are looked at for at most once."""

    def __init__(self) -> None:
        self._settled: set[str] = set()
        self._lock = Lock()

    def __call__(self, thing: str, sentence: str | None) -> None:
        """Log a sentence about a thing that is not settled yet, which is settled then."""
        with self._lock:
            new = thing not in self._settled
            self._settled.add(thing)
        if new and sentence is not None:
            _log.warning(sentence)


class ImageCheck:
    """Warns of unused depth of grey, of transparency and of small images, naming the first of each.

    Files are of one camera: after a grey one of 16 bits that is not black the depth of no other is
    looked at.

    Args:
        decoding: by which the images are read.
        tell: what is told of them, see ``Once``; None: a new one.
    """

    def __init__(self, decoding: Decoding, tell: Tell | None = None) -> None:
        self._size, self._tell = decoding.size, tell or Once()
        self._open = {_OPACITY, _SIZE} | ({_DEPTH} if decoding.bits is None else set())

    def file(self, path: Path, name: str | None = None) -> None:
        """Look at an image file, called by its path where it has no other name.

        Raises:
            ImageError: as ``read_image``.
        """
        if not self._open:
            return
        name = name or str(path)
        try:
            with opened(path) as image:
                self.picture(image, name)
        except FormatError:
            height, width = decoded(path).shape[-2:]
            self.shape((height, width), name)

    def picture(self, image: Image.Image, name: str) -> None:
        """Look at a Pillow image."""
        if not self._open:
            return
        found = shown(image)
        self.shape((found.height, found.width), name)
        if found.transparent:
            self._settle(_OPACITY, f"{name} has {TRANSPARENCY}")
        if _DEPTH in self._open and (most := brightest(image)):  # that reads all of it
            self._settle(_DEPTH, _too_dark(most, name))

    def shape(self, shape: tuple[int, int], name: str) -> None:
        """Look at the height and width of an image."""
        if is_small(shape, self._size):
            self._settle(_SIZE, f"{name} is {enlarged(shape, self._size)}")

    def _settle(self, thing: str, sentence: str | None) -> None:
        if thing in self._open:
            self._open.discard(thing)
            self._tell(thing, sentence)


def enlarged(shape: tuple[int, int], size: tuple[int, int]) -> str:
    """Return what is said of images (height, width) that become many times as large."""
    sides = [f"{width} x {height}" for height, width in (shape, size)]
    return (
        f"enlarged more than {ENLARGED} times, from {sides[0]} to {sides[1]}: what is fine cannot "
        "be seen"
    )


def _too_dark(most: int, name: str) -> str | None:
    """Return what is said of an image whose largest value leaves bits unused; None: nothing."""
    used = bits_needed(most)
    if used is None:
        return None
    return (
        f"{name} has 16 bits a pixel but no value above {most:,}, which needs {used}: it is scored "
        f"{2 ** (16 - used)} times too dark; stretch it with --bits {used} (in Python "
        f"predict(..., bits={used}))"
    )
