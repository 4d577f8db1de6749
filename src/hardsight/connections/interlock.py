"""The verdict on a part as a controller reads it: without a fresh "good", the line stops."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hardsight.serve.decision import Decision

_log = logging.getLogger(__name__)
NO_ANSWER, GOOD, ANOMALOUS, SUSPICIOUS = range(4)
"""The verdict's word. Nothing, as in a register that nobody wrote, means stop."""
VERDICTS = {"good": GOOD, "anomalous": ANOMALOUS, "defect": ANOMALOUS, "suspicious": SUSPICIOUS}
"""Outcome of a decision -> its word; what is suspicious is to be inspected again."""
WORD = 1 << 16
"""Heartbeat and sequence begin at 0 again there."""


class Signal(NamedTuple):
    """The four words that a controller reads, each of 16 bits."""

    heartbeat: int
    """Changes with every write. One that stands still means stop."""
    verdict: int
    """See ``VERDICTS``; ``NO_ANSWER`` means stop."""
    sequence: int
    """Number of decisions. A step of more than one means that verdicts were missed: stop."""
    p_value: int
    """In ten-thousandths, rounded."""


class LinkDown(Exception):  # noqa: N818 (it says what happened)
    """A controller that cannot be reached, or refuses what is written."""


class Link(Protocol):
    """Writes to a controller."""

    def open(self) -> None:
        """Connect.

        Raises:
            LinkDown: it cannot be reached.
        """

    def write(self, signal: Signal) -> None:
        """Write the words.

        Raises:
            LinkDown: they were not accepted.
        """

    def close(self) -> None:
        """Disconnect."""


@dataclass(frozen=True)
class Timing:
    """When a verdict stops to be one."""

    beat: float = 0.5
    """Seconds between two writes while nothing is decided."""
    hold: float = 2.0
    """Seconds for which a verdict stands; then there is no answer. A detector that stalls says
    nothing, so that its last "good" does not outlive this."""

    def __post_init__(self) -> None:
        if not 0 < self.beat <= self.hold:
            raise ValueError(
                f"beat={self.beat} must be above 0 and at most hold={self.hold} seconds"
            )


class Interlock:
    """A ``Sink`` that shows each verdict to a controller, in a thread, and lets none grow old.

    The controller lets a part pass only on a "good" whose sequence is one above that of the part
    before, while the heartbeat changes. A process that hangs or dies, a lost network and a detector
    that stalls are then all the same: stop.

    Args:
        name: of the controller, for messages.
        link: to it; opened again whenever it was lost.
        timing: see ``Timing``.
    """

    def __init__(self, name: str, link: Link, timing: Timing = Timing()) -> None:
        self.name, self.timing, self._link = name, timing, link
        self._changed = threading.Condition()
        self._shown: deque[tuple[float, Signal]] = deque()
        """Verdicts that were not written yet: when they were decided, and the words."""
        self._now = 0.0, Signal(0, NO_ANSWER, 0, 0)
        self._sequence = self._beats = 0
        self._open = self._stop = self._missed = False
        self._thread = threading.Thread(target=self._run, name=f"interlock {name}", daemon=True)
        self._thread.start()

    def send(self, decisions: Sequence[Decision]) -> None:
        """Show the verdicts, each for as long as the next is not there."""
        for decision in decisions:
            self._show(VERDICTS[decision.outcome], round(1e4 * decision.p_value))

    def failed(self, source: str, reason: str) -> None:
        """Withdraw the verdict at once: about this part there is no answer."""
        self._show(NO_ANSWER, 0)

    def _show(self, verdict: int, p_value: int) -> None:
        with self._changed:
            self._sequence = (self._sequence + 1) % WORD
            self._shown.append((time.monotonic(), Signal(0, verdict, self._sequence, p_value)))
            self._changed.notify_all()

    def close(self) -> list[str]:
        """Show "no answer", and disconnect."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        self._thread.join()
        return []

    def _run(self) -> None:
        while not self._stop:
            self._write(self._next())
            with self._changed:
                if not self._stop and not (self._open and self._shown):
                    self._changed.wait(self.timing.beat)
        self._write(self._now[1]._replace(verdict=NO_ANSWER))
        self._close()

    def _next(self) -> Signal:
        """Return the words to be written now.

        Of verdicts that grew old while they waited for a slow controller, the newest is enough: all
        are no answer, and the step of the sequence says that some were missed.
        """
        with self._changed:
            while len(self._shown) > 1 and self._is_old(self._shown[0][0]):
                self._shown.popleft()
            if self._shown:
                self._now = self._shown.popleft()
        decided, signal = self._now
        return signal._replace(verdict=NO_ANSWER) if self._is_old(decided) else signal

    def _is_old(self, decided: float) -> bool:
        return time.monotonic() - decided > self.timing.hold

    def _write(self, signal: Signal) -> None:
        """Write the words with the next heartbeat; of a lost link, the newest verdict is kept.

        Whatever a link raises is that: the thread goes on, and opens it again.
        """
        self._beats = (self._beats + 1) % WORD
        try:
            if not self._open:
                self._link.open()
                self._open, self._missed = True, False
                _log.info("%s is connected", self.name)
            self._link.write(signal._replace(heartbeat=self._beats))
        except Exception as error:  # noqa: BLE001 - see above
            if not self._missed:
                _log.warning("%s cannot be told: %s", self.name, error)
            self._missed = True
            self._close()
            with self._changed:
                while len(self._shown) > 1:
                    self._shown.popleft()

    def _close(self) -> None:
        """Disconnect, where there is a connection."""
        if self._open:
            with suppress(Exception):  # it is lost, whatever becomes of the rest
                self._link.close()
        self._open = False
