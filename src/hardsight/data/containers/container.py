"""One record a kind of file that holds several images."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image


@dataclass(frozen=True)
class Container:
    """How files of several images are told, and how one image is taken out.

    ``image`` raises ``OSError`` or ``ValueError`` where the file holds no such image or is damaged.
    """

    name: str
    match: Callable[[Path], bool]
    image: Callable[[Path, str], Image.Image]


Stamp = tuple[int, int]


def stamp(file: Path) -> Stamp:
    """Return time and size of a file: what is remembered of it is forgotten once they change."""
    found = file.stat()
    return found.st_mtime_ns, found.st_size


def position(name: str, count: int, file: Path) -> int:
    """Return the index that an image's name is.

    Raises:
        ValueError: it is none of the ``count`` that the file holds.
    """
    if not name.isdecimal() or int(name) >= count:
        raise ValueError(f"{file} holds images 0 to {count - 1}, and none named {name!r}")
    return int(name)
