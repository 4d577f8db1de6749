"""What is to be delivered, on disk until it was."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

WAYS_OUT = {
    sqlite3.SQLITE_BUSY: "is it in use?",
    sqlite3.SQLITE_FULL: "free space on its disk",
    sqlite3.SQLITE_NOTADB: "move it away, and a new one is made",
    sqlite3.SQLITE_CORRUPT: "move it away, and a new one is made",
}
"""SQLite's number of an error -> what to do."""


class Waiting(NamedTuple):
    """A message that was not delivered yet."""

    number: int
    """They are delivered in the order of their numbers."""
    since: float
    """When it came, in seconds of the system's clock."""
    body: bytes


class Outbox:
    """Messages that outlive the process, in order; for one process, and any of its threads.

    Args:
        path: of an SQLite file, made where it is not; written so that a power cut loses nothing.
        patience: seconds to wait for a process that has it.

    Raises:
        OSError: it cannot be written, or another process has it.
    """

    def __init__(self, path: Path, patience: float = 5.0) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        with self._explained():
            self._base = sqlite3.connect(
                path, patience, isolation_level=None, check_same_thread=False
            )
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS waiting "
                "(number INTEGER PRIMARY KEY AUTOINCREMENT, since REAL, body BLOB)"
            )

    def put(self, bodies: Sequence[bytes]) -> None:
        """Add messages; they are on disk when this returns.

        Raises:
            OSError: they could not be written.
        """
        now = time.time()
        with self._explained():
            self._base.execute("BEGIN")
            try:
                rows = [(now, body) for body in bodies]
                self._base.executemany("INSERT INTO waiting (since, body) VALUES (?, ?)", rows)
                self._base.execute("COMMIT")
            except sqlite3.Error:
                self._base.rollback()
                raise

    def first(self) -> Waiting | None:
        """Return the oldest message; None: there is none."""
        with self._explained():
            row = self._base.execute("SELECT * FROM waiting ORDER BY number LIMIT 1").fetchone()
        return None if row is None else Waiting(*row)

    def remove(self, number: int) -> None:
        """Forget a message."""
        with self._explained():
            self._base.execute("DELETE FROM waiting WHERE number = ?", (number,))

    def __len__(self) -> int:
        with self._explained():
            return int(self._base.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what extends it
                way = WAYS_OUT.get(code, "look after it and its disk")
                raise OSError(f"{self.path} cannot be used ({error}); {way}") from error
