"""How the command line tells of long work: bars on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from hardsight.cli.console import errors, say
from hardsight.cli.pace import Pace, done_of

if TYPE_CHECKING:
    from hardsight.core.progress import Progress as Told


WIDE = 110
"""Columns of a terminal from which bars need not make room for words."""


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


class Words(ProgressColumn):
    """Shows text of a task in one line.

    Args:
        words: task -> text.
        cut: where the terminal is narrow.
    """

    def __init__(self, words: Callable[[Task], str], cut: bool = False) -> None:
        super().__init__(Column(no_wrap=not cut))
        self._words = words

    def render(self, task: Task) -> Text:
        """Return the text."""
        return Text(self._words(task), no_wrap=True, overflow="ellipsis")


def drawn(console: Console) -> Progress:
    """Return what draws a bar for each stage, in a line of the console each."""
    return Progress(
        Words(lambda task: f"{task.description:<12}"),
        BarColumn(bar_width=30 if console.width >= WIDE else 8),
        Words(lambda task: done_of(task.description, task.completed, task.total, "/")),
        Words(lambda task: task.fields["info"], cut=True),
        TimeElapsedColumn(Column(no_wrap=True)),
        Words(lambda task: "/"),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        console=console,
    )


def _say(line: str) -> None:
    say(line, to=errors)


@contextmanager
def told() -> "Iterator[Told]":
    """Show progress meanwhile, on stderr so that piped output stays clean."""
    if not errors.is_terminal:
        yield Pace(_say, lines=True)
        return
    with drawn(errors) as progress:
        yield Bars(progress)
