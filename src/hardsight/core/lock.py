"""One process at a time that writes in a folder: an advisory lock, which readers do not ask."""

import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hardsight.core.folders import missing_folders, real_path, remove_empty

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK = ".lock"
"""File in a folder that is locked; it holds the number of the process and the machine's name."""
_LOCKED_BYTE = 1 << 30
"""Which is locked on Windows, where nobody else may read it."""
_held: dict[Path, tuple[int, int]] = {}
"""Lock -> its descriptor, and how often this process holds it."""
_guard = threading.Lock()
_log = logging.getLogger(__name__)


class FolderInUseError(OSError):
    """A folder in which another process writes; the message names both, and the way out."""


@contextmanager
def locked(folder: Path, beside: bool = False) -> Iterator[None]:
    """Hold a folder, made where it is not there, for this process alone.

    Whoever holds it already may hold it once more. The system lets go of it when a process ends,
    however that is, so that a file left by a dead one is no obstacle.

    Args:
        folder: to hold.
        beside: the lock's file lies beside the folder, which is not made and may be replaced.

    Raises:
        FolderInUseError: another process holds it.
        OSError: nothing can be written there.
    """
    place = real_path(folder)
    path = place.with_name(f".{place.name}{LOCK}") if beside else place / LOCK
    new = missing_folders(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _hold(path, place)
        try:
            yield
        finally:
            _let_go(path)
    finally:
        remove_empty(new)


def _hold(path: Path, place: Path) -> None:
    with _guard:
        file, times = _held[path] if path in _held else (_locked_file(path, place), 0)
        _held[path] = file, times + 1


def _let_go(path: Path) -> None:
    with _guard:
        file, times = _held.pop(path)
        if times > 1:
            _held[path] = file, times - 1
            return
        if _is(path, file):
            with suppress(PermissionError):  # Windows keeps what is open, and it is no obstacle
                path.unlink()
        os.close(file)


def _locked_file(path: Path, place: Path) -> int:
    """Return the descriptor of a folder's lock, locked, with this process named in it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):
            os.close(file)
            raise FolderInUseError(
                f"{place} is in use: {_holder(path)} writes there; wait until it has ended, "
                "or name another folder"
            ) from None
        except OSError as error:
            _log.warning(
                f"{place} is on a file system without locks ({error.strerror}); let no two "
                "processes write there"
            )
        if _is(path, file):
            with suppress(OSError):  # on a full disk it is held by nobody's name
                os.ftruncate(file, 0)
                os.write(file, f"{os.getpid()} {socket.gethostname()}\n".encode())
            return file
        os.close(file)  # of a process that ended meanwhile, and removed it


def _lock(file: int) -> None:
    """Lock an open file, or raise at once."""
    if sys.platform == "win32":
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is(path: Path, file: int) -> bool:
    """Tell whether a path still stands for an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    """Return which process holds a lock, in words."""
    try:
        number, machine = path.read_text("utf-8").split()
    except (OSError, ValueError):  # it ended meanwhile, or has not written it yet
        return "another process"
    here = machine == socket.gethostname()
    return f"process {number}" if here else f"process {number} of {machine}"
