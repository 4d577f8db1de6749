"""What hears of each batch that ``watch`` has scored."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hardsight.cli.console import errors, say
from hardsight.cli.drift import drift_values

if TYPE_CHECKING:
    from hardsight.data import Frame
    from hardsight.runs import DetectorRun

Rows = Sequence[dict[str, Any]]


class Follower(Protocol):
    """Hears of batches."""

    def add(self, rows: Rows, frames: "Sequence[Frame]") -> None:
        """Take in the rows of a batch, which are written, and the frames they are of."""


class DriftFollower:
    """Watches a stream for drift, and says so at once.

    Args:
        run: of the detector.
        state: file that it goes on from, and that each batch is recorded in.
        once_in: parts in which one false alarm is tolerated.
    """

    def __init__(self, run: "DetectorRun", state: Path, once_in: int) -> None:
        from hardsight.evaluation.drift import DriftMonitor
        from hardsight.runs import drift_references

        self.state = state
        self.monitor = DriftMonitor(drift_references(run), once_in)
        self.monitor.resume(state)

    def add(self, rows: Rows, frames: "Sequence[Frame]") -> None:
        """Take in a batch, and record it."""
        before = len(self.monitor.alarms)
        self.monitor.add(drift_values(rows, frames))
        self.monitor.write(self.state)
        for alarm in self.monitor.alarms[before:]:
            say(("Beware:", "yellow"), f" {alarm}", to=errors)
