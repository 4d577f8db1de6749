"""Whether the parts of a line are still those of the calibration, read from the log."""

import threading
from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from hardsight.evaluation.drift import ONCE_IN, StreamMonitor
from hardsight.serve.log import InspectionLog, Logged, Query
from hardsight.serve.models import ServedModel

KEPT = 10_000
"""Decisions whose evidence is kept for the chart."""
AT_ONCE = 1000


@dataclass(frozen=True)
class Drift:
    """The evidence of the latest decisions, in shares of the limit: an alarm at 1 and above."""

    evidence: tuple[float, ...]
    parts: int
    """Decisions in all."""
    once_in: int = ONCE_IN
    """Parts in which one false alarm is tolerated, on average, while nothing changes."""

    @property
    def alarms(self) -> tuple[int, ...]:
        """Where in ``evidence`` an alarm was raised."""
        return tuple(i for i, share in enumerate(self.evidence) if share >= 1)


@dataclass
class _Stream:
    monitor: StreamMonitor
    evidence: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    read: int = 0
    """Number of the last decision that was taken in."""
    parts: int = 0

    def take(self, page: list[Logged]) -> None:
        found = self.monitor.add([logged.decision.score for logged in page])
        self.evidence.extend(found.evidence.tolist())
        self.read, self.parts = page[-1].number, self.parts + len(page)


class DriftWatch:
    """A monitor of the scores of each model under each threshold, see ``StreamMonitor``.

    A new threshold was set on parts of the line itself: only decisions after it are held against
    these.

    Args:
        log: of the decisions; what is new in it is read when somebody asks.
    """

    def __init__(self, log: InspectionLog) -> None:
        self._log, self._lock = log, threading.Lock()
        self._streams: dict[tuple[str, str, int], _Stream] = {}

    def of(self, model: ServedModel) -> Drift:
        """Return what the decisions of a model show, the newest among them."""
        key = model.name, model.hash, model.version
        with self._lock:
            if key not in self._streams:
                reference = model.calibration.clean_scores
                self._streams[key] = _Stream(StreamMonitor(reference, ONCE_IN))
            stream = self._streams[key]
            new = self._log.each(Query(*key, after=stream.read))
            while page := list(islice(new, AT_ONCE)):
                stream.take(page)
            return Drift(tuple(stream.evidence), stream.parts)
