"""Whether the parts of a line are still those of the calibration, read from the log."""

import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from hardsight.evaluation.drift import ONCE_IN, DriftMonitor
from hardsight.serve.log import InspectionLog, Logged, Query
from hardsight.serve.models import ServedModel

KEPT = 5_000
"""Decisions whose evidence is kept for the chart."""
LOOK_BACK = 20_000
"""Decisions of the log that a service takes in when it begins."""
AT_ONCE = 1000


@dataclass(frozen=True)
class Evidence:
    """What one stream of values shows of late, in shares of the limit: an alarm at 1 and above."""

    shares: tuple[float, ...]

    @property
    def latest(self) -> float:
        """The newest share; 0 before the first."""
        return self.shares[-1] if self.shares else 0.0

    @property
    def alarms(self) -> tuple[int, ...]:
        """Where in ``shares`` an alarm was raised."""
        return tuple(i for i, share in enumerate(self.shares) if share >= 1)


@dataclass(frozen=True)
class Drift:
    """The evidence of the score, and of the pictures' brightness, contrast and sharpness."""

    streams: Mapping[str, Evidence]
    parts: int
    """Decisions that were taken in."""
    once_in: int = ONCE_IN
    """Parts in which one false alarm of all streams is tolerated, on average, while nothing
    changes."""


@dataclass
class _Line:
    monitor: DriftMonitor
    names: tuple[str, ...]
    read: int
    """Number of the last decision that was taken in."""
    shares: dict[str, deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=KEPT))
    )

    def take(self, page: list[Logged]) -> None:
        """Take in decisions; those of an earlier hardsight knew nothing of the picture."""
        self.read = page[-1].number
        rows = [[getattr(logged.decision, name) for name in self.names] for logged in page]
        whole = [row for row in rows if None not in row]
        if whole:
            columns = zip(*whole, strict=True)
            found = self.monitor.add(dict(zip(self.names, columns, strict=True)))
            for name, watched in found.items():
                self.shares[name].extend(watched.evidence.tolist())

    @property
    def shown(self) -> Drift:
        streams = {name: Evidence(tuple(self.shares[name])) for name in self.names}
        return Drift(streams, self.monitor.parts)


class DriftWatch:
    """A monitor of each model under each threshold, see ``DriftMonitor``.

    A new threshold was set on parts of the line itself: only decisions after it are held against
    these.

    Args:
        log: of the decisions; what is new in it is read when somebody asks.
    """

    def __init__(self, log: InspectionLog) -> None:
        self._log, self._lock = log, threading.Lock()
        self._lines: dict[tuple[str, str, int], _Line] = {}

    def of(self, model: ServedModel) -> Drift:
        """Return what the decisions of a model show, the newest among them."""
        key = model.name, model.hash, model.version
        with self._lock:
            if key not in self._lines:
                self._lines[key] = self._begin(model)
            line = self._lines[key]
            new = self._log.each(Query(*key, after=line.read))
            while page := list(islice(new, AT_ONCE)):
                line.take(page)
            return line.shown

    def _begin(self, model: ServedModel) -> _Line:
        references = model.references
        last = self._log.read(Query(newest_first=True, limit=1))
        begin = max(0, last[0].number - LOOK_BACK) if last else 0
        return _Line(DriftMonitor(references, ONCE_IN), tuple(references), begin)
