"""Writing files so that nothing is ever half written."""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from hardsight.core.disk import named_when_full


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


@contextmanager
def working_folder(folder: str | Path | None) -> Iterator[Path]:
    """Yield ``folder``, or a temporary one that is gone afterwards."""
    if folder is not None:
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory(prefix="hardsight-") as place:
        yield Path(place)
