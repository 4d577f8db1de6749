"""Rows of CSV lists of images, with the columns of VisA's split files."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardsight.core.near import near_names
from hardsight.core.words import listed
from hardsight.data.image_set import Sample
from hardsight.data.layouts.layout import LayoutError
from hardsight.data.options import LoadOptions, Three

LABELS = {
    **dict.fromkeys(("normal", "good", "ok", "0", "false"), False),
    **dict.fromkeys(("anomaly", "anomalous", "bad", "ng", "1", "true"), True),
}
"""What the column ``label`` may say, in lower case -> whether the image is anomalous."""
PARTS = ("train", "validation", "test")
REQUIRED = ("image", "label")


@dataclass(frozen=True)
class Row:
    """One line of a table: an image, and which part of the data set it belongs to."""

    sample: Sample
    part: str
    """One of ``PARTS``; empty where the table has no column ``split``."""


def read_rows(file: Path, category: str | None = None) -> list[Row]:
    """Read the rows of a CSV file (UTF-8, comma, one line of names), of one category or all.

    ===========  ===================================================================
    ``image``    path, relative to the file's folder
    ``label``    one of ``LABELS``
    ``split``    train, validation or test; optional, but then of every row
    ``mask``     path, or several separated by ``;``; may be empty
    ``object``   the category; optional
    ``defect``   the name of the defect; optional
    ===========  ===================================================================

    Other columns are not read. Training and validation images must be normal.

    Args:
        file: The table, or VisA's ``split_csv/1cls.csv``.
        category: What ``object`` must say; None: every row.

    Raises:
        LayoutError: the file has no row, lacks a column, or a cell is none of what it may be; the
            message names row (line of the file) and column.
    """
    base = file.parent.parent if file.parent.name == "split_csv" else file.parent
    rows = [
        _Line(file, number, cells).row(base)
        for number, cells in _lines(file)
        if category is None or cells.get("object") == category
    ]
    if not rows:
        what = "" if category is None else f" with object={category!r}"
        raise LayoutError(f"{file} has no row{what}")
    if len({row.part == "" for row in rows}) > 1:
        raise LayoutError(f"{file}: column split is empty in some rows; fill all of them, or none")
    return rows


def divided(rows: list[Row], options: LoadOptions, root: Path) -> Three:
    """Return training, validation and test samples; what no row is of is held out.

    Raises:
        ValueError: too few normal images to split.
    """
    part = {name: [row.sample for row in rows if row.part == name] for name in (*PARTS, "")}
    normal = [sample for sample in part[""] if not sample.anomalous]
    if normal:
        train, validation, good = options.hold_out(normal, root)
        return train, validation, [*good, *(s for s in part[""] if s.anomalous)]
    return options.hold_out(part["train"], root, part["validation"], part["test"])


def objects(file: Path) -> list[str]:
    """Return the categories that a table names, sorted; none where it has no such column."""
    return sorted({name for _, cells in _lines(file) if (name := cells.get("object"))})


def columns(file: Path) -> list[str]:
    """Return the names of a table's columns, in their order."""
    with _reader(file) as reader:
        return [name.strip() for name in next(reader, [])]


@dataclass(frozen=True)
class _Line:
    """One line of a file, whose cells are read with errors that name it."""

    file: Path
    number: int
    cells: dict[str, str]

    def row(self, base: Path) -> Row:
        """Return what the cells say."""
        label = self.cells["label"].lower()
        if label not in LABELS:
            raise self.error("label", f"{label!r} is none of {', '.join(LABELS)}")
        part = self.cells.get("split", "").lower()
        if part not in (*PARTS, ""):
            raise self.error("split", f"{part!r} is none of {', '.join(PARTS)}")
        anomalous = LABELS[label]
        if anomalous and part in ("train", "validation"):
            raise self.error("split", f"an anomalous image cannot be of {part}; only of test")
        masks = self.cells.get("mask", "").split(";")
        defect = self.cells.get("defect") or ("anomaly" if anomalous else "good")
        image = self.path("image", self.cells["image"], base)
        marked = tuple(self.path("mask", name.strip(), base) for name in masks if name.strip())
        return Row(Sample(image, anomalous, marked, defect), part)

    def path(self, column: str, name: str, base: Path) -> Path:
        """Return the file that a cell names."""
        path = base / name
        if not name or not path.is_file():
            raise self.error(column, f"{name!r} is no file in {base}{near_names(path)}")
        return path

    def error(self, column: str, reason: str) -> LayoutError:
        """Return an error that names row and column."""
        return LayoutError(f"{self.file}, row {self.number}, column {column}: {reason}")


def _lines(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of a line, from 2 on, and column -> cell, without spaces around it."""
    names = columns(file)
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise LayoutError(
            f"{file}, row 1: no column {' and '.join(missing)}; it has: {listed(names) or 'none'}. "
            "Name the columns in its first line, separated by commas"
        )
    with _reader(file) as reader:
        numbered = [(reader.line_num, cells) for cells in reader if cells]
    for number, cells in numbered[1:]:
        if len(cells) != len(names):
            raise LayoutError(
                f"{file}, row {number}: {len(cells)} cells, but row 1 names {len(names)} columns"
            )
        yield number, dict(zip(names, map(str.strip, cells), strict=True))


@contextmanager
def _reader(file: Path) -> Iterator[Any]:
    """Open a table as lists of cells; one that is no CSV file in UTF-8 is refused."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        try:
            yield csv.reader(opened)
        except (UnicodeDecodeError, csv.Error) as error:
            raise LayoutError(
                f"{file} is no CSV file in UTF-8 ({error}); save it as one"
            ) from error
