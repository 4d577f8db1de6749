"""Folders: where links lead, and those made on the way to a place and removed again."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def real_path(path: str | Path) -> Path:
    """Return where a path leads through links; of links that lead in a circle, the path itself.

    Before Python 3.13 ``Path.resolve`` raises of those what nobody expects.
    """
    return Path(os.path.realpath(path))


def missing_folders(folder: Path) -> list[Path]:
    """Return a folder and those above it that are not there, the innermost first."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders, one after another, up to the first in which something lies."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()
