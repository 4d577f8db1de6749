"""Errors of a full disk, which name no file unless somebody does."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Error numbers of a disk, and of an allowance of it, that has no space left."""
NUMBER = re.compile(r"\(os error (\d+)\)")
"""How safetensors tells the number of the system's error."""


@contextmanager
def named_when_full(path: str | Path) -> Iterator[None]:
    """Name a file in the error of a full disk while it is written, unless one is named already.

    Raises:
        OSError: there is no space left on its disk, with ``filename``; also of safetensors.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        number = _number(error)
        if number not in FULL or getattr(error, "filename", None) is not None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    found = NUMBER.search(str(error)) if isinstance(error, SafetensorError) else None
    return int(found[1]) if found else None
