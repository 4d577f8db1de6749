"""Places of results, looked at before the work that they are of begins."""

import tempfile
from pathlib import Path

from hardsight.core.folders import real_path


def check_folder(folder: Path, option: str) -> None:
    """Refuse a folder that cannot be made or written in; nothing is left there.

    Args:
        folder: in which results will lie; it need not be there.
        option: that named it, as ``--output``.

    Raises:
        ValueError: it, or one above it, is a file, or refuses a new file.
    """
    _check(folder, f"{option} {folder}")


def check_file(file: Path, option: str) -> None:
    """Refuse a file that cannot be made, as ``check_folder`` does; a device may be one.

    Raises:
        ValueError: it is a folder, or cannot lie where it is to.
    """
    if file.is_dir():
        raise ValueError(f"{option} {file} is a folder; name a file in it")
    if file.is_file() or not file.exists():
        _check(file.parent, f"{option} {file}")


def check_outside(place: Path, folder: Path, option: str, otherwise: str) -> None:
    """Refuse a place below a folder that is read.

    Args:
        place: that is written to.
        folder: whose images are read.
        option: that named the place, as ``--overlays``.
        otherwise: what would become of what is written there, in words.

    Raises:
        ValueError: it lies there.
    """
    if real_path(place).is_relative_to(real_path(folder)):
        raise ValueError(
            f"{option}{place} lies in {folder}, where {otherwise}; name a folder outside it"
        )


def _check(folder: Path, given: str) -> None:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise ValueError(f"{given}: {there} is a file, not a folder; name another place")
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        why = f"nothing can be written in {there} ({error.strerror})"
        raise ValueError(f"{given}: {why}; name another place") from None
