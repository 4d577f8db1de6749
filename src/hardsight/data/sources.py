"""What is scored: files, folders and globs, here or in object storage, and lists of them."""

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TextIO

from hardsight.core.spreadsheet import text_of
from hardsight.core.words import listed
from hardsight.data.files import iter_images
from hardsight.data.remote import RemoteFile, Source, at_hand, is_url, remote_images

COLUMNS = ("path", "image")
"""Columns of a CSV list; the first of them that is there names the images."""


def iter_sources(names: Iterable[str]) -> Iterator[Source]:
    """Yield the images that names stand for, in order.

    A name is a file, a folder or a glob, see ``iter_images``; a URL, see ``remote_images``; or a
    list, which may itself be at a URL: a .txt file with an image a line, or a .csv file with a
    column of ``COLUMNS``, as ``hardsight score`` and the layout "table" have it. Images of a list
    are absolute paths, URLs, or relative to the folder of the list, and are taken line by line.

    Raises:
        FileNotFoundError: at the call, if a name stands for no image.
        ValueError: a list without such a column.
        ImportError, OSError: object storage that cannot be read.
    """
    given = list(names)
    for name in given:
        if next(_sources(name), None) is None:
            raise FileNotFoundError(f"{name} is a list without an image")
    return chain.from_iterable(_sources(name) for name in given)


def _sources(name: str) -> Iterator[Source]:
    rows = ROWS.get(PurePosixPath(name).suffix.lower())
    if rows is not None and (is_url(name) or Path(name).is_file()):
        return _listed(RemoteFile(name) if is_url(name) else Path(name), rows)
    return remote_images(name) if is_url(name) else iter_images(name)


def _listed(place: Source, rows: Callable[[TextIO, str], Iterator[str]]) -> Iterator[Source]:
    """Yield the images of a list."""
    url = place.url.rpartition("/")[0] if isinstance(place, RemoteFile) else None
    folder = place.parent if isinstance(place, Path) else Path()
    with (
        at_hand(place) as file,
        file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines,
    ):
        for name in rows(lines, str(place)):
            if is_url(name):
                yield RemoteFile(name)
            elif url is None or Path(name).is_absolute():
                yield folder / name
            else:
                yield RemoteFile(f"{url}/{name}")


def _of_text(lines: TextIO, _: str) -> Iterator[str]:
    """Yield the lines that are not empty."""
    return filter(None, map(str.strip, lines))


def _of_csv(lines: TextIO, name: str) -> Iterator[str]:
    """Yield the images of a CSV list of this name.

    Raises:
        ValueError: it has no column of them, or is no CSV file.
    """
    rows = csv.DictReader(lines)
    try:
        column = next((c for c in COLUMNS if c in (rows.fieldnames or ())), None)
        if column is None:
            raise ValueError(
                f"{name} has no column {' or '.join(COLUMNS)} but "
                f"{listed(rows.fieldnames or []) or 'none'}; name one so, with commas between "
                "them, or name the images in a .txt file, one a line"
            )
        yield from (text_of(row[column]) for row in rows if row[column])
    except csv.Error as error:
        where = f"after line {rows.line_num}"
        raise ValueError(f"{name} has no row of CSV {where} ({error})") from error


ROWS = {".txt": _of_text, ".csv": _of_csv}
"""Suffix of a list -> what yields the names in it."""
