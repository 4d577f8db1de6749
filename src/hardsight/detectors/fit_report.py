"""What a fit chose, as a run keeps it."""

import json
from pathlib import Path
from typing import Any, Protocol

from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json


class Report(Protocol):
    """What a fit chose, and on what evidence."""

    @property
    def statement(self) -> str:
        """What of it concerns whoever uses the detector, in a sentence."""

    def values(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""


def write_report(report: Report, path: Path) -> None:
    """Write a report as JSON, its statement first."""
    text = {"statement": report.statement} | report.values()
    write_atomically(path, json.dumps(text, indent=1) + "\n")


def read_statement(path: Path) -> str | None:
    """Return the statement of a report; None where there is no file, or it is of before."""

    def told(found: dict[str, Any]) -> str | None:
        statement = found.get("statement")
        return None if statement is None else str(statement)

    return read_json(path, "remove it, or fit again", told) if path.is_file() else None
