"""The table that ``score`` and ``watch`` write, a row an image."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from hardsight.core.disk import named_when_full
from hardsight.core.folders import real_path
from hardsight.core.lines import drop_cut_line
from hardsight.core.outputs import check_file
from hardsight.core.spreadsheet import cell


class Table:
    """Writes rows, each at once, as JSON lines or as CSV, in which no text is a formula.

    Args:
        file: to write to.
        form: "csv" or "jsonl".
        fields: columns.
        end: of a line of CSV.
        begun: whether the head of the columns is there already.
    """

    def __init__(
        self,
        file: TextIO,
        form: str,
        fields: Sequence[str],
        end: str = "\r\n",
        begun: bool = False,
    ) -> None:
        self.file, self.fields = file, tuple(fields)
        self._csv = csv.DictWriter(file, fields, lineterminator=end) if form == "csv" else None
        if self._csv and not begun:
            self._csv.writeheader()

    def write(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write the columns of rows, and flush."""
        for row in rows:
            if self._csv:
                self._csv.writerow({name: cell(row[name]) for name in self.fields})
            else:
                self.file.write(json.dumps({name: row[name] for name in self.fields}) + "\n")
        self.file.flush()


@contextmanager
def table(output: Path | None, fields: Sequence[str], more: bool = False) -> Iterator[Table]:
    """Open the table at ``output``, a .csv or .jsonl file, or CSV on stdout, with given columns.

    Folders on the way are made.

    Args:
        output: of the file, see ``check_output``; None: stdout.
        fields: columns.
        more: add to the rows that are there, of which one that was cut off is dropped.

    Raises:
        ValueError: rows of other columns are there.
    """
    if output is None:
        yield Table(sys.stdout, "csv", fields, "\n")  # rich shows no line that ends in \r
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    begun = more and _is_begun(output, fields)
    with (
        named_when_full(output),
        output.open(
            "a" if begun else "w", newline="", encoding="utf-8", errors="surrogateescape"
        ) as file,
    ):
        yield Table(file, output.suffix[1:], fields, begun=begun)


def check_output(output: Path | None, names: Iterable[str] = ()) -> None:
    """Refuse a table that cannot be written, or that would replace a file that is to be read.

    Raises:
        ValueError: another suffix, or it cannot lie there.
    """
    if output is None:
        return
    if output.suffix not in (".csv", ".jsonl"):
        raise ValueError(f"output={str(output)!r} must end in .csv or .jsonl")
    check_file(output, "--output")
    if real_path(output) in map(real_path, names):
        raise ValueError(
            f"--output {output} is what is to be read, and would be lost; name another file"
        )


def _is_begun(output: Path, fields: Sequence[str]) -> bool:
    """Tell whether a table has rows, and drop a last line that was cut off.

    Raises:
        ValueError: it has other columns.
    """
    size = output.stat().st_size if output.is_file() else 0
    if not size:
        return False
    with output.open("rb+") as file:
        head = file.readline().decode("utf-8", "surrogateescape")
        if output.suffix == ".csv" and next(csv.reader([head])) != list(fields):
            raise ValueError(
                f"output={str(output)!r} holds a table of other columns; name another file"
            )
        return drop_cut_line(file) > 0
