"""Which decisions are asked for."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from hardsight.serve.log.tables import DECISIONS, FEEDBACK

LARGEST_PAGE = 1000


def check_times(**times: datetime | None) -> None:
    """Refuse times that the log cannot be asked for; None is none.

    Raises:
        ValueError: a time without its zone, or one that no calendar has in UTC.
    """
    for name, time in times.items():
        if time is None:
            continue
        if time.tzinfo is None:
            raise ValueError(f"{name}={time.isoformat()} must say its zone, e.g. end in Z")
        try:
            time.astimezone(UTC)
        except OverflowError as error:
            raise ValueError(f"{name}={time.isoformat()} is out of range ({error})") from error


@dataclass(frozen=True)
class Query:
    """Decisions that meet every condition; None asks for nothing.

    Raises:
        ValueError: a limit outside 1..1000, or a time as of ``check_times``.
    """

    model: str | None = None
    model_hash: str | None = None
    threshold_version: int | None = None
    label: bool | None = None
    verdict: str | None = None
    """Good, suspicious or defect, where two detectors decide."""
    source: str | None = None
    """The beginning of the source."""
    since: datetime | None = None
    until: datetime | None = None
    """Before this time."""
    judged: bool | None = None
    """Whether there is feedback."""
    after: int | None = None
    """Number above which decisions are returned."""
    before: int | None = None
    """Number below which decisions are returned."""
    newest_first: bool = False
    limit: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LARGEST_PAGE:
            raise ValueError(f"limit={self.limit} must be in 1..{LARGEST_PAGE}")
        check_times(since=self.since, until=self.until)

    def beyond(self, number: int) -> "Query":
        """Return the query of what follows a row on the next page."""
        return replace(self, before=number) if self.newest_first else replace(self, after=number)

    @property
    def statement(self) -> Select[Any]:
        """The rows of the table of decisions, in order."""
        order = DECISIONS.c.number.desc() if self.newest_first else DECISIONS.c.number
        return select(DECISIONS).where(*self.conditions).order_by(order).limit(self.limit)

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """Each as SQL."""
        table = DECISIONS.c
        judged = select(FEEDBACK.c.id).where(FEEDBACK.c.decision == table.id).exists()
        found: list[ColumnElement[bool]] = []
        if self.model is not None:
            found.append(table.model == self.model)
        if self.model_hash is not None:
            found.append(table.model_hash == self.model_hash)
        if self.threshold_version is not None:
            found.append(table.threshold_version == self.threshold_version)
        if self.label is not None:
            found.append(table.label.is_(self.label))
        if self.verdict is not None:
            found.append(table.verdict == self.verdict)
        if self.source is not None:
            found.append(table.source.startswith(self.source, autoescape=True))
        if self.since is not None:
            found.append(table.time >= self.since)
        if self.until is not None:
            found.append(table.time < self.until)
        if self.judged is not None:
            found.append(judged if self.judged else ~judged)
        if self.after is not None:
            found.append(table.number > self.after)
        if self.before is not None:
            found.append(table.number < self.before)
        return found
