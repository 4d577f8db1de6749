"""Run folders in which nothing was trained yet, and which a fit that fails leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hardsight.core.folders import missing_folders, remove_empty
from hardsight.core.lock import LOCK
from hardsight.core.run_folders import CONFIG
from hardsight.runs.folder import MANIFEST
from hardsight.runs.started import START

BEGINNINGS = (CONFIG, MANIFEST, START)
"""Files that a fit writes before it can refuse what it was given."""


def is_begun(path: Path) -> bool:
    """Tell whether a folder holds more of a run than its beginnings: a fit can go on there."""
    return (path / CONFIG).exists() and any(
        p.name not in (*BEGINNINGS, LOCK) for p in path.iterdir()
    )


def remove_beginnings(path: Path) -> None:
    """Remove the beginnings of a run from its folder."""
    for name in BEGINNINGS:
        (path / name).unlink(missing_ok=True)


def discard_beginnings(*folders: Path) -> None:
    """Remove a run folder that holds nothing but beginnings, then those above it that are empty."""
    path = folders[0]
    if path.is_dir() and not is_begun(path):
        remove_beginnings(path)
        remove_empty(folders)


@contextmanager
def without_beginnings(path: Path) -> Iterator[None]:
    """Discard in the end the beginnings in a run folder that was not there before."""
    new = missing_folders(path)
    try:
        yield
    finally:
        if new:
            discard_beginnings(*new)
