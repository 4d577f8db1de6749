"""Folders that are made on the way to a place, and removed again where nothing came of it."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def missing_folders(folder: Path) -> list[Path]:
    """Return a folder and those above it that are not there, the innermost first."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders, one after another, up to the first in which something lies."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()
