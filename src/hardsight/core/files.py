"""Writing files so that nothing is ever half written."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from safetensors.torch import save_file
from torch import Tensor

from hardsight.core.disk import named_when_full

TAIL = 1 << 16
"""Bytes that are read at a time in search of the last end of a line."""


def write_atomically(path: str | Path, text: str) -> Path:
    """Write a text file: a reader, and a run killed meanwhile, sees the old one or the new one.

    Folders on the way are made. On a full disk the old file stands, no part is left, and the error
    names the file. Bytes of a name that are no UTF-8 are written as they are.

    Raises:
        OSError: the file could not be written.
    """
    content = text.encode("utf-8", "surrogateescape")  # its line ends as they are, everywhere
    return write_whole(Path(path), lambda part: part.write_bytes(content))


def write_tensors(path: str | Path, tensors: dict[str, Tensor]) -> Path:
    """Write contiguous tensors as safetensors, as ``write_atomically`` does text.

    Raises:
        OSError, SafetensorError: the file could not be written.
    """
    return write_whole(Path(path), lambda part: save_file(tensors, part))


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file by a function of a path beside it, as ``write_atomically`` does text.

    Raises:
        OSError: the file could not be written; it names that, and not the path beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")  # of this writer alone
    try:
        with named_when_full(path):
            write(part)
        part.replace(path)
    except OSError as error:
        if str(error.filename) == str(part):
            error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)
    return path


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


@contextmanager
def working_folder(folder: str | Path | None) -> Iterator[Path]:
    """Yield ``folder``, or a temporary one that is gone afterwards."""
    if folder is not None:
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory(prefix="hardsight-") as place:
        yield Path(place)
