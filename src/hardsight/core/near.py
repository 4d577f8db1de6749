"""What lies beside a path: folders, and names like one that is missing."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from hardsight.core.words import listed

_ONE_SLASH = re.compile(r"(?:^|/)([a-z][a-z0-9+.-]+):/([^/].*)$", re.IGNORECASE)
"""Scheme, of more than the letter of a drive, and the rest of a URL that has become a path."""
_SYSTEM_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"})
"""What unpackers and file servers leave behind: copies and thumbnails, no images."""


def hidden(name: str) -> bool:
    """Return whether a name is a system's own: ``.name``, or a folder such as ``__MACOSX``."""
    return name.startswith(".") or name in _SYSTEM_FOLDERS


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted, without hidden ones; none if it is no folder."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not hidden(p.name))


def near_names(
    path: Path, otherwise: str = "", wanted: Callable[[Path], bool] = Path.exists
) -> str:
    """Return "; did you mean ...?" with what lies near a missing path, or what its parent holds.

    In place of the latter ``otherwise`` is said, if it is given.

    Of a URL with one slash, as a path turns ``s3://bucket/x`` into, it is the URL.

    Args:
        path: that is missing.
        otherwise: without a near name.
        wanted: see ``similar``.
    """
    if url := _ONE_SLASH.search(path.as_posix()):
        return f"; did you mean '{url[1]}://{url[2]}'?"
    if path.exists():
        return ""
    if path.is_symlink():
        return "; it is a link to nothing"
    if close := similar(path, wanted):
        return f"; did you mean {' or '.join(repr(str(one)) for one in close)}?"
    if otherwise:
        return f"; {otherwise}"
    known, _ = _known_part(path)
    return f"; {str(known)!r} holds: {listed(_names(known), 8) or 'nothing'}"


def similar(path: Path, wanted: Callable[[Path], bool] = Path.exists) -> list[Path]:
    """Return what lies beside the first missing part of a path under a name near to it.

    Args:
        path: that is missing.
        wanted: tells what may be meant, of the whole path with the near name in it or, where that
            is not there, of the part that is.
    """
    known, missing = _known_part(path)
    lowered = {name.lower(): name for name in _names(known)}
    close = get_close_matches(missing.lower(), lowered, n=max(1, len(lowered)), cutoff=0.5)
    rest = path.relative_to(known / missing)
    near = [known / lowered[name] for name in close]
    found = [next(filter(wanted, (part / rest, part)), None) for part in near]
    return [one for one in found if one is not None][:3]


def check_there(path: str, argument: str) -> None:
    """Refuse a path that is not there where a name near to it is.

    Any other is let pass: where it is opened, more may be known of it.

    Args:
        path: of a file or folder; a URL is let pass.
        argument: of the path, for the message.

    Raises:
        FileNotFoundError: naming what is near.
    """
    place = Path(path)
    if "://" not in path and not place.exists() and similar(place):
        raise FileNotFoundError(f"{argument}={path!r} does not exist{near_names(place)}")


def _known_part(path: Path) -> tuple[Path, str]:
    """Return the deepest folder of a missing path that is there, and the name that it lacks."""
    known, missing = path.parent, path.name
    while not known.is_dir() and known != known.parent:
        known, missing = known.parent, known.name
    return known, missing


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if not hidden(entry.name))
