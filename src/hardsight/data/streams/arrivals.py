"""The images of a folder, and those that arrive."""

import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hardsight.data.containers import content_sha256
from hardsight.data.decoding import Decoding
from hardsight.data.files import existing_folder, walk
from hardsight.data.image_check import ImageCheck
from hardsight.data.streams.frames import Frame, read_ahead

PATIENCE = 2.0
"""Seconds for which an unreadable file must not have changed, to be given up."""
POLL = 0.1
"""Seconds between two looks at a folder; as long as a look takes, if that is more."""


class _State(NamedTuple):
    """What a name stands for."""

    inode: int
    """Another one is another file."""
    size: int
    changed: int


class _Tried(NamedTuple):
    """Holds a file as it was before it was read."""

    state: _State
    since: float
    sha256: str | None
    last: bool = False
    """Whether this is the last attempt."""


def arrivals(
    folder: str | Path,
    decoding: Decoding,
    idle: float | None = None,
    stop: threading.Event | None = None,
    ahead: int = 8,
    patience: float = PATIENCE,
) -> Iterator[Frame]:
    """Yield the images below a folder, then each that arrives, every file once.

    A file that cannot be read is tried again whenever it has changed, for somebody may be writing
    it; once it has not for ``patience`` seconds it is yielded with its error. One that vanishes was
    a name on the way to another, and is left out. A name that stands for another file by now, since
    the first was moved away or replaced, is another image.

    Args:
        folder: searched with its subfolders, see ``hardsight.data.files.walk``.
        decoding: of the frames.
        idle: end after so many seconds in which nothing came; None: never.
        stop: set by somebody else, it ends the wait.
        ahead: images decoded ahead of their use at most.
        patience: in seconds.

    Raises:
        FileNotFoundError: there is no such folder; at the call, or once it is gone.
    """
    top = existing_folder(folder, "source")
    check = ImageCheck(decoding)
    decode = partial(read_ahead, decoding=decoding, ahead=ahead, check=check)
    return _arrivals(top, decode, idle, stop or threading.Event(), patience)


def _arrivals(
    folder: Path,
    decode: Callable[[Iterator[Path]], Iterator[Frame]],
    idle: float | None,
    stop: threading.Event,
    patience: float,
) -> Iterator[Frame]:
    done: dict[Path, _Tried] = {}
    """Those that were yielded."""
    tried: dict[Path, _Tried] = {}
    last = time.monotonic()
    while not stop.is_set():
        begun = time.monotonic()
        for frame in decode(_due(folder, done, tried, patience)):
            path = Path(frame.name)
            if frame.error is not None and not (tried[path].last and path.exists()):
                continue
            done[path] = tried.pop(path)
            yield replace(frame, sha256=done[path].sha256)
            if stop.is_set():
                return
            last = time.monotonic()
        for names in (tried, done):
            for path in [path for path in names if not path.exists()]:
                del names[path]
        now = time.monotonic()
        if idle is not None and not tried and now - last >= idle:
            return
        stop.wait(max(POLL, now - begun))


def _due(
    folder: Path, done: dict[Path, _Tried], tried: dict[Path, _Tried], patience: float
) -> Iterator[Path]:
    """Yield the images to be read now, each put among the ``tried``."""
    try:
        for path in walk(folder):
            state, known = _state(path), done.get(path)
            if state is None or (known is not None and known.state.inode == state.inode):
                continue
            before, now = tried.get(path), time.monotonic()
            if before is None or before.state != state:
                tried[path] = _Tried(state, now, _digest(path))
                yield path
            elif now - before.since >= patience:
                tried[path] = before._replace(sha256=_digest(path), last=True)
                yield path
    except FileNotFoundError:
        existing_folder(folder, "source")  # or a folder in it vanished, and the next look will do


def _digest(path: Path) -> str | None:
    """Hash a file before it is decoded: one that replaces it later is known as another."""
    try:
        return content_sha256(path)
    except OSError:
        return None


def _state(path: Path) -> _State | None:
    """Return what a name stands for; None if it is no file, as a link to itself or a pipe."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return _State(found.st_ino, found.st_size, found.st_mtime_ns)
