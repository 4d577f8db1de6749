"""What lies beside a path: folders, and names like one that is missing."""

import re
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


def near_names(path: Path, otherwise: str = "") -> str:
    """Return "; did you mean ...?" with what lies near a missing path, or what its parent holds.

    In place of the latter ``otherwise`` is said, if it is given.

    Of a URL with one slash, as a path turns ``s3://bucket/x`` into, it is the URL.
    """
    if url := _ONE_SLASH.search(path.as_posix()):
        return f"; did you mean '{url[1]}://{url[2]}'?"
    if path.exists():
        return ""
    if path.is_symlink():
        return "; it is a link to nothing"
    if close := similar(path):
        return f"; did you mean {' or '.join(repr(str(one)) for one in close)}?"
    if otherwise:
        return f"; {otherwise}"
    known, _ = _known_part(path)
    return f"; {str(known)!r} holds: {listed(_names(known), 8) or 'nothing'}"


def similar(path: Path) -> list[Path]:
    """Return what lies beside the first missing part of a path under a name near to it."""
    known, missing = _known_part(path)
    lowered = {name.lower(): name for name in _names(known)}
    close = get_close_matches(missing.lower(), lowered, n=3, cutoff=0.5)
    return [known / lowered[name] for name in close]


def _known_part(path: Path) -> tuple[Path, str]:
    """Return the deepest folder of a missing path that is there, and the name that it lacks."""
    known, missing = path.parent, path.name
    while not known.is_dir() and known != known.parent:
        known, missing = known.parent, known.name
    return known, missing


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if not hidden(entry.name))
