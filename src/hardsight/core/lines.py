"""Lines of text that are added to a file whole."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from hardsight.core.disk import named_when_full

TAIL = 1 << 16
"""Bytes that are read at a time in search of the last end of a line."""


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Append lines of text to a file, on disk when this returns; they bring no ends along.

    A line that was cut off there before, by a full disk or a power cut, is dropped.

    Raises:
        OSError: the lines could not be written; the error names the file.
    """
    with named_when_full(path), path.open("ab+") as file:
        drop_cut_line(file)
        file.write("".join(f"{line}\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())


def drop_cut_line(file: BinaryIO) -> int:
    """Cut what follows the last end of a line off a file that is open; return its bytes then."""
    whole = size = file.seek(0, os.SEEK_END)
    end = 0
    while whole and not end:
        start = max(0, whole - TAIL)
        file.seek(start)
        end = file.read(whole - start).rfind(b"\n") + 1
        whole = start + end
    if whole < size:
        file.truncate(whole)
    return file.seek(0, os.SEEK_END)
