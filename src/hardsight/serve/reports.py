"""Finished reports and audits of a run: the pages that commands wrote beside it."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

TITLE = re.compile(rb"<title>(.*?)</title>", re.DOTALL)
HEAD = 100_000
"""Bytes of a page in which its title is looked for."""


class UnknownReportError(LookupError):
    """A path at which no report lies."""

    def __init__(self, path: str) -> None:
        super().__init__(f"there is no report {path!r}; the list of reports says which there are")


@dataclass(frozen=True)
class Report:
    """A page that a command wrote."""

    path: str
    """Below the folder of reports."""
    title: str
    time: datetime
    """When it was written, in UTC."""


def reports(folder: Path) -> list[Report]:
    """Return the reports below a folder, the newest first."""
    found = [_report(folder, path) for path in folder.glob("**/*.html") if path.is_file()]
    return sorted(found, key=lambda report: report.time, reverse=True)


def read_report(folder: Path, path: str) -> bytes:
    """Return the bytes of a report that the list has.

    Raises:
        UnknownReportError: it has none at this path, wherever that may lead.
    """
    if all(report.path != path for report in reports(folder)):
        raise UnknownReportError(path)
    return (folder / path).read_bytes()


def _report(folder: Path, path: Path) -> Report:
    with path.open("rb") as file:
        found = TITLE.search(file.read(HEAD))
    title = html.unescape(found[1].decode("utf-8", "replace").strip()) if found else path.stem
    time = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Report(path.relative_to(folder).as_posix(), title, time)
