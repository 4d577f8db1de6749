"""Delivery of messages: in order, again and again until each is taken or given up."""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hardsight.connections.outbox import Outbox, Waiting
from hardsight.connections.sink import failure, message
from hardsight.core.lines import append_lines
from hardsight.serve.decision import Decision

_log = logging.getLogger(__name__)


class Undelivered(Exception):  # noqa: N818 (it says what happened)
    """A message that the other side did not take.

    Args:
        reason: in words.
        final: it never will be.
    """

    def __init__(self, reason: str, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


Deliver = Callable[[bytes], None]
"""Delivers a message, or raises ``Undelivered``."""


@dataclass(frozen=True)
class Patience:
    """How long delivery is tried."""

    first: float = 0.5
    """Seconds between the first two attempts; twice as many between the next."""
    most: float = 60.0
    """Seconds between two attempts at most."""
    give_up: float | None = None
    """Seconds after which a message that was tried becomes a dead letter; None: never."""
    closing: float = 5.0
    """Seconds that ``close`` waits for what is left, unless the last attempt was in vain."""

    def wait(self, attempts: int) -> float:
        """Return the seconds to wait after so many attempts in vain."""
        return float(min(self.most, self.first * 2.0 ** min(attempts - 1, 30)))


class Courier:
    """A ``Sink`` that delivers from an outbox, in a thread.

    What is given up is written beside the outbox as ``*.dead.jsonl``, a line of JSON each.

    Args:
        name: of the other side, for messages.
        outbox: on disk; what is left of an earlier process is delivered first.
        deliver: see ``Deliver``; called in the thread.
        patience: how long.
        closed: ends what delivers.
    """

    def __init__(
        self,
        name: str,
        outbox: Outbox,
        deliver: Deliver,
        patience: Patience = Patience(),
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self.outbox, self.patience = name, outbox, patience
        self._deliver, self._closed = deliver, closed
        self._dead = outbox.path.with_suffix(".dead.jsonl")
        self._changed, self._buried, self._reason = threading.Condition(), 0, ""
        self._stop = self._away = False
        self._thread = threading.Thread(target=self._run, name=f"courier {name}", daemon=True)
        self._thread.start()

    def send(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions, to be delivered."""
        self._put([message(decision) for decision in decisions])

    def failed(self, source: str, reason: str) -> None:
        """Keep the news of a failure, to be delivered."""
        self._put([failure(source, reason)])

    def _put(self, bodies: Sequence[bytes]) -> None:
        self.outbox.put(bodies)
        with self._changed:
            self._changed.notify_all()

    def close(self) -> list[str]:
        """Wait a little for what is left, and end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._away or self.outbox.first() is None, self.patience.closing
            )
            self._stop = True
            self._changed.notify_all()
        self._thread.join()
        self._closed()
        left, told = len(self.outbox), []
        if left:
            told.append(
                f"{self.name}: {left} messages were not delivered ({self._reason or 'no time'}); "
                f"they are kept in {self.outbox.path} for the next time"
            )
        if self._buried:
            told.append(f"{self.name}: {self._buried} messages were given up: {self._dead}")
        self.outbox.close()
        return told

    def _run(self) -> None:
        attempts = 0
        while not self._stop:
            try:
                self._attempt(self._next(attempts))
            except Exception as error:  # noqa: BLE001 - of the outbox, too: the thread goes on
                attempts += 1
                if attempts == 1:
                    _log.warning("%s does not take messages: %s", self.name, error)
                self._reason = str(error)
            else:
                attempts = 0
            self._tell(away=attempts > 0)

    def _attempt(self, waiting: Waiting | None) -> None:
        """Deliver a message, or give it up; None: there is none.

        Raises:
            Undelivered: it is to be tried again.
            OSError: the outbox could not be written.
        """
        if waiting is None:
            return
        try:
            self._deliver(waiting.body)
        except Undelivered as error:
            if not error.final and not self._is_old(waiting):
                raise
            self._bury(waiting, str(error))
        self.outbox.remove(waiting.number)

    def _tell(self, away: bool) -> None:
        """Tell who waits in ``close`` whether the other side takes messages."""
        with self._changed:
            self._away = away
            self._changed.notify_all()

    def _next(self, attempts: int) -> Waiting | None:
        """Wait for a message, and after an attempt in vain for its time; None: stop."""
        with self._changed:
            if attempts:
                self._changed.wait_for(lambda: self._stop, self.patience.wait(attempts))
            found = None
            while not self._stop and (found := self.outbox.first()) is None:
                self._changed.wait()
            return found

    def _is_old(self, waiting: Waiting) -> bool:
        limit = self.patience.give_up
        return limit is not None and time.time() - waiting.since > limit

    def _bury(self, waiting: Waiting, reason: str) -> None:
        """Write a dead letter, on disk when this returns."""
        letter = {"reason": reason, "since": waiting.since, "message": json.loads(waiting.body)}
        append_lines(self._dead, [json.dumps(letter)])
        self._buried += 1
        _log.warning("%s: a message was given up, see %s", self.name, self._dead)
