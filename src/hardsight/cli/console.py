"""How the command line talks: progress bars, errors and Ctrl-C."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console()
errors = Console(stderr=True)


class Bars:
    """Draws one bar for each stage of the work; a ``hardsight.core.types.Progress``."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, int] = {}

    def __call__(self, stage: str, done: int, total: int, info: str = "") -> None:
        """Move the bar of ``stage``."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total, info="")
        self._progress.update(self._tasks[stage], completed=done, total=total, info=info)  # type: ignore[arg-type]


@contextmanager
def bars() -> Iterator[Bars]:
    """Show progress bars meanwhile, on stderr so that piped output stays clean."""
    with Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[info]}"),
        TimeElapsedColumn(),
        TextColumn("/"),
        TimeRemainingColumn(),
        console=errors,
    ) as progress:
        yield Bars(progress)


@contextmanager
def explained(resume_hint: str = "") -> Iterator[None]:
    """Turn an error of the library into one line and exit code 1, Ctrl-C into a hint and 130."""
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError) as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}")
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        errors.print(f"\n[yellow]interrupted;[/] what is finished is kept. {escape(resume_hint)}")
        raise typer.Exit(130) from None
