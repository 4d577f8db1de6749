"""How the command line talks: text as it is, progress, errors, Ctrl-C and closed pipes.

Neither console reads markup, so that names with brackets or colons are printed as they are; style
comes in ``rich.text.Text``, or as an argument of ``print``.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hardsight.core.disk import FULL
from hardsight.core.explained import EXPLAINED

if TYPE_CHECKING:
    from hardsight.reports.tables import Cell

console = Console(markup=False, emoji=False, highlight=False)
errors = Console(markup=False, emoji=False, highlight=False, stderr=True)

INTERRUPTED = 130
CLOSED_PIPE = 141
"""Exit codes of a shell for a program that SIGINT, or SIGPIPE, ended."""


def speak_utf8() -> None:
    """Write UTF-8 whatever the console's code page; bytes of a name that are none stay as are."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a stream put there by somebody else
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="surrogateescape")


def say(*parts: str | tuple[str, str], to: Console = console) -> None:
    """Print texts and (text, style) pairs, in a line that the width does not break.

    They are printed as they are, but that a file in a mirror of a data set is named by its URL.
    """
    if any("mirrors" in (part if isinstance(part, str) else part[0]) for part in parts):
        from hardsight.data.places import with_urls  # its import takes seconds

        parts = tuple(
            with_urls(part) if isinstance(part, str) else (with_urls(part[0]), part[1])
            for part in parts
        )
    to.print(Text.assemble(*parts), soft_wrap=True)


def say_report(page: Path) -> None:
    """Print where a report lies."""
    say("Report: ", (str(page), "bold"))


def print_rows(
    heads: Mapping[str, str], rows: "Iterable[Mapping[str, Cell]]", title: str | None = None
) -> None:
    """Print a report's rows as a table, with the small below the main of each cell.

    Args:
        heads: key of a column -> its header; a column of nothing but "-" is left out.
        rows: a cell for each key.
        title: above the table.
    """
    told = list(rows)
    shown = [key for key in heads if any(row[key].main != "-" for row in told)]
    table = Table(*(heads[key] for key in shown), title=title)
    for row in told:
        table.add_row(*(_stacked(*row[key]) for key in shown))
    console.print(table)


def _stacked(main: str, small: str) -> Text:
    """Return a figure, and in a second line what stands small below it."""
    return Text.assemble(main, (f"\n{small}", "dim")) if small else Text(main)


@contextmanager
def explained(resume_hint: str = "") -> Iterator[None]:
    """Turn an error of the library into one line and exit code 1, Ctrl-C into a hint and 130.

    A reader of the output that goes away, as ``head`` does, ends the command in silence.
    """
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush
        raise typer.Exit(CLOSED_PIPE) from None
    except EXPLAINED as error:
        say(("error:", "bold red"), " ", _said(error), to=errors)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        hint = f" what is finished is kept. {resume_hint}"
        say(("interrupted;", "yellow"), hint, to=errors)
        raise typer.Exit(INTERRUPTED) from None


def _said(error: Exception) -> str:
    """Return the message of an error; of a full disk also the way out."""
    if not (isinstance(error, OSError) and error.errno in FULL):
        return str(error)
    place = error.filename or "what was to be written"
    return (
        f"no space is left on the disk for {place} ({error.strerror}); free some there, or name a "
        "place on another disk"
    )
