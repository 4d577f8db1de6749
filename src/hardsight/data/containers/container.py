"""One record a format of files that hold several images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path
from threading import Lock
from typing import TypeVar

from PIL import Image

MAX_PIXELS = 200_000_000
"""Larger images are refused, from their header."""


@dataclass(frozen=True)
class Container:
    """How files of several images are told, and how one image is taken out.

    ``image`` raises ``OSError`` or ``ValueError`` where the file holds no such image or is damaged.
    """

    name: str
    match: Callable[[Path], bool]
    image: Callable[[Path, str], Image.Image]


T = TypeVar("T")


def remembered(most: int) -> Callable[[Callable[[Path], T]], Callable[[Path], T]]:
    """Return a decorator that keeps what a function reads of a file until the file changes.

    Threads that ask for one file at once wait until it is read, once. Nobody may change what is
    returned.

    Args:
        most: Files kept; the one that was asked for least recently makes room.
    """

    def decorated(read: Callable[[Path], T]) -> Callable[[Path], T]:
        lock = Lock()

        @lru_cache(maxsize=most)
        def kept(file: Path, _modified: int, _size: int) -> T:
            return read(file)

        @wraps(read)
        def found(file: Path) -> T:
            now = file.stat()
            with lock:
                return kept(file, now.st_mtime_ns, now.st_size)

        return found

    return decorated


def position(name: str, count: int, file: Path) -> int:
    """Return the index that an image's name is.

    Raises:
        ValueError: it is none of the ``count`` that the file holds.
    """
    if not name.isdecimal() or int(name) >= count:
        raise ValueError(f"{file} holds images 0 to {count - 1}, and none named {name!r}")
    return int(name)
