"""How the command line tells of long work: bars on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hardsight.cli.console import errors, say

if TYPE_CHECKING:
    from hardsight.core.types import Progress as Told

TIMED = 3.0
"""Seconds of a stage's steps from which its length is estimated."""
WORTH_SAYING = 30.0
"""Seconds that a stage must take for its length to be announced."""
EVERY, SHARE, AT_MOST = 10.0, 0.05, 1.0
"""A line comes after so many seconds, or such a share of the stage; at most one in a second."""


def duration(seconds: float) -> str:
    """Return a time as a person says it: "70 ms", "40 s", "46 min", "4 h 20 min"."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"


@dataclass
class Stage:
    """The pace of a stage, from its first unit on: that one also warms up the machine."""

    begun: float
    first: int
    """Units that were done then."""
    said: float
    """When a line was last printed."""
    shown: int
    """Units that were done then."""
    announced: bool = False

    def left(self, done: int, total: int, now: float) -> float | None:
        """Return the seconds that are left, or None before they can be known."""
        if done <= self.first:
            return None
        return (total - done) * (now - self.begun) / (done - self.first)


class Pace:
    """Announces how long each stage takes, once some of its steps were timed.

    Args:
        write: prints a line.
        lines: print one whenever it is due, too: where no bar is drawn.
        clock: in seconds.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        lines: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._lines, self._clock = write, lines, clock
        self._stages: dict[str, Stage] = {}

    def __call__(self, stage: str, done: int, total: int, info: str = "") -> None:
        """Take notice that ``done`` of ``total`` units of a stage are finished."""
        now = self._clock()
        known = self._stages.setdefault(stage, Stage(now, done, now, done))
        left = known.left(done, total, now)
        if left is not None and not known.announced and now - known.begun >= TIMED:
            known.announced = True
            whole = now - known.begun + left
            if whole >= WORTH_SAYING:
                self._write(f"{stage}: about {duration(whole)} on this machine")
        if self._lines and left is not None and _is_due(known, done, total, now):
            known.said, known.shown = now, done
            rest = f"about {duration(left)} left" if done < total else "done"
            facts = ", ".join(filter(None, (rest, info)))
            self._write(f"{stage}: {done} of {total} ({done / total:.0%}), {facts}")


def _is_due(stage: Stage, done: int, total: int, now: float) -> bool:
    waited = now - stage.said
    moved = done - stage.shown >= SHARE * total or done == total
    return waited >= EVERY or (moved and waited >= AT_MOST)


class Bars:
    """Draws one bar for each stage, and announces its length above."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._pace = Pace(_say)
        self._tasks: dict[str, int] = {}

    def __call__(self, stage: str, done: int, total: int, info: str = "") -> None:
        """Move the bar of ``stage``."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total, info="")
        self._progress.update(self._tasks[stage], completed=done, total=total, info=info)  # type: ignore[arg-type]
        self._pace(stage, done, total, info)


def _say(line: str) -> None:
    say(line, to=errors)


@contextmanager
def told() -> "Iterator[Told]":
    """Show progress meanwhile, on stderr so that piped output stays clean."""
    if not errors.is_terminal:
        yield Pace(_say, lines=True)
        return
    with Progress(
        TextColumn("{task.description:<12}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[info]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("/"),
        TimeRemainingColumn(),
        console=errors,
    ) as progress:
        yield Bars(progress)
