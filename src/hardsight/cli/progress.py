"""How the command line tells of long work: bars on a terminal, plain lines elsewhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from hardsight.cli.console import errors, say
from hardsight.cli.pace import Pace, counted

if TYPE_CHECKING:
    from hardsight.core.types import Progress as Told


class Bars:
    """Draws one bar for each stage, and announces its length above."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._pace = Pace(_say)
        self._tasks: dict[str, int] = {}

    def plan(self, work: str, stages: Mapping[str, float | None]) -> None:
        """Take notice of the stages that are to come."""
        self._pace.plan(work, stages)

    def __call__(self, stage: str, done: int, total: int, info: str = "") -> None:
        """Move the bar of ``stage``."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total, info="")
        self._progress.update(self._tasks[stage], completed=done, total=total, info=info)  # type: ignore[arg-type]
        self._pace(stage, done, total, info)


class Counted(ProgressColumn):
    """Shows how much of a stage is done, in its units."""

    def render(self, task: Task) -> Text:
        """Return that."""
        return Text(counted(task.description, task.completed, task.total))


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
        Counted(),
        TextColumn("{task.fields[info]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("/"),
        TimeRemainingColumn(),
        console=errors,
    ) as progress:
        yield Bars(progress)
