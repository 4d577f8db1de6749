"""Image files sorted by their verdict, once it is recorded: moved, never lost."""

import errno
import json
import logging
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from hardsight.core.files import write_whole
from hardsight.core.lines import append_lines
from hardsight.core.lock import locked
from hardsight.core.outputs import check_folder
from hardsight.data.containers import content_sha256
from hardsight.serve.decision import Decision

_log = logging.getLogger(__name__)
STATE = ".moves.jsonl"
"""State file: what is to be moved where, on disk before it is."""
FOLDERS = ("good", "anomalous")
"""Made at once; those of ``suspicious`` and ``defect`` when the first comes."""
UNREADABLE = "unreadable"


class HotFolder:
    """A ``Sink`` that moves each decided image file below a folder, by its verdict.

    What is to be moved is in the state file first. Killed in between, the next one moves the rest
    before anything is scored, so that no part is decided twice. A file that is no longer the one
    that was decided, or that the system does not let be read, stays where it is.

    Args:
        folder: gets ``good/``, ``anomalous/`` and ``unreadable/``, and of two detectors
            ``suspicious/`` and ``defect/``.

    Raises:
        ValueError: it cannot be written.
        FolderInUseError: another process sorts files into it, up to ``close`` or its end.
    """

    def __init__(self, folder: Path) -> None:
        check_folder(folder, "--to folder:")
        self.folder, self._left = folder, 0
        self._numbers: dict[Path, int] = {}
        """Name that was taken -> the number that was given last."""
        self._held = ExitStack()
        self._held.enter_context(locked(folder))
        for name in (*FOLDERS, UNREADABLE):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._state = folder / STATE
        if self._state.is_file():
            self._carry_out()

    def send(self, decisions: Sequence[Decision]) -> None:
        """Move the files of decisions."""
        self._plan([(d.source, d.image, d.outcome) for d in decisions])

    def failed(self, source: str, reason: str) -> None:
        """Move a file that could not be read."""
        path = Path(source)
        if os.path.isfile(path) and (found := self._hash(path)):  # noqa: PTH113 - as in _move
            self._plan([(source, found, UNREADABLE)])

    def close(self) -> list[str]:
        """Let go of the folder, and say how many files were left where they are."""
        self._held.close()
        if not self._left:
            return []
        why = "they changed after they were read, or cannot be read"
        return [f"{self.folder}: {self._left} files were left where they are: {why}"]

    def _plan(self, moves: Sequence[tuple[str, str, str]]) -> None:
        planned = (
            {"source": str(Path(source).absolute()), "sha256": sha256, "to": folder}
            for source, sha256, folder in moves
        )
        append_lines(self._state, map(json.dumps, planned))
        self._carry_out()

    def _carry_out(self) -> None:
        """Move what the state file says, and empty it."""
        for line in self._state.read_text("utf-8", "surrogateescape").splitlines():
            try:
                move = json.loads(line)
            except json.JSONDecodeError:
                continue  # a power cut in the middle of the last line: nothing was moved for it
            self._move(Path(move["source"]), move["sha256"], self.folder / move["to"])
        self._state.unlink()

    def _move(self, source: Path, sha256: str, folder: Path) -> None:
        if not os.path.isfile(source):  # noqa: PTH113 - false of a name that no file can have
            return
        found = self._hash(source)
        if found is None:
            return
        if found != sha256:
            self._left += 1
            _log.warning("%s changed after it was read, and is left there", source)
            return
        folder.mkdir(exist_ok=True)
        target = self._free(folder / source.name)
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            write_whole(target, partial(shutil.copy2, source))  # to another file system
            source.unlink()

    def _hash(self, path: Path) -> str | None:
        """Return the hash of a file; None where the system refuses to read it, with a warning."""
        try:
            return content_sha256(path)
        except FileNotFoundError:  # it vanished meanwhile
            return None
        except OSError as error:
            self._left += 1
            _log.warning("%s cannot be read (%s), and is left there", path, error.strerror or error)
            return None

    def _free(self, path: Path) -> Path:
        """Return a path, or one of its numbered brothers, that is not taken.

        A line that calls every picture the same has ever more of them: a number is tried once.
        """
        found, number = path, self._numbers.get(path, 0)
        while found.exists():
            number += 1
            found = path.with_name(f"{path.stem}-{number}{path.suffix}")
            self._numbers[path] = number
        return found
