"""Writing files so that nothing is ever half written."""

import os
from pathlib import Path


def write_atomically(path: str | Path, text: str) -> Path:
    """Write a text file: a reader, and a run killed meanwhile, sees the old one or the new one.

    Folders on the way are made. On a full disk the old file stands and no part is left.

    Raises:
        OSError: the file could not be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
