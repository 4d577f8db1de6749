"""How the command line talks: text as it is, progress, errors, Ctrl-C and closed pipes.

Neither console reads markup, so that names with brackets or colons are printed as they are; style
comes in ``rich.text.Text``, or as an argument of ``print``.
"""

import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from hardsight.core.explained import explanation

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


def beware(sentence: str, to: Console = console) -> None:
    """Print what a person must know before going on."""
    say(("Beware:", "yellow"), f" {sentence}", to=to)


def say_report(page: Path) -> None:
    """Print where a report lies."""
    say("Report: ", (str(page), "bold"))


def print_rows(
    heads: Mapping[str, str], rows: "Iterable[Mapping[str, Cell]]", title: str | None = None
) -> None:
    """Print a report's rows as a table, with the small below the main of each cell.

    No word is broken where the terminal is wide enough for the longest of each column.

    Args:
        heads: key of a column -> its header; a column of nothing but "-" is left out.
        rows: a cell for each key.
        title: above the table.
    """
    from hardsight.reports.tables import filled

    told = list(rows)
    shown = filled(heads, told)
    lines = [[heads[key], *(line for row in told for line in row[key])] for key in shown]
    found = _widths(lines, console.width - 3 * len(shown) - 1)  # but for borders and padding
    widths = dict(zip(shown, found, strict=False))
    columns = (Column(heads[key], overflow="fold", width=widths.get(key)) for key in shown)
    table = Table(*columns, title=title, pad_edge=bool(widths))
    for row in told:
        table.add_row(*(_stacked(*row[key]) for key in shown))
    console.print(table)


def _widths(lines: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return widths of columns with lines of text in which no word is broken, [] without room.

    What is left of the room makes lines whole, first in the columns that lack least.
    """
    found = [
        max((len(word) for line in column for word in line.split()), default=1) for column in lines
    ]
    whole = [max(map(len, column)) for column in lines]
    room -= sum(found)
    if room < 0:
        return []
    for k in sorted(range(len(lines)), key=lambda k: whole[k] - found[k]):
        more = min(room, whole[k] - found[k])
        found[k] += more
        room -= more
    return found


def _stacked(main: str, small: str) -> Text:
    """Return a figure, and in a second line what stands small below it."""
    return Text.assemble(main, (f"\n{small}", "dim")) if small else Text(main)


def typed(*more: str) -> str:
    """Return the command as it was typed, with options that it may lack."""
    given = sys.argv[1:]
    return shlex.join(["hardsight", *given, *(option for option in more if option not in given)])


def goes_on(command: str | None = None) -> str:
    """Say that work goes on where it was by a command; None: by the same as before."""
    return f"what is finished is kept. Go on with: {command or typed()}"


@contextmanager
def explained(left: Callable[[], str] | None = None) -> Iterator[None]:
    """Turn an error of the library into one line and exit code 1, Ctrl-C into one and 130.

    A reader of the output that goes away, as ``head`` does, ends the command in silence.

    Args:
        left: says after Ctrl-C what is left of the work, and how it goes on; None: nothing is.
    """
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush
        raise typer.Exit(CLOSED_PIPE) from None
    except KeyboardInterrupt:
        say(("interrupted", "yellow"), f"; {left()}" if left else "", to=errors)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        said = explanation(error)
        if said is None:
            raise
        say(("error:", "bold red"), " ", said, to=errors)
        raise typer.Exit(1) from error
