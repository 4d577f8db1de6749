"""The inspection log: decisions that are on disk, and what was said of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Insert, RowMapping, Select, func, insert, select

from hardsight.serve.decision import Decision, Feedback, Listener
from hardsight.serve.log.database import address, connect, failing_as_log_error, writing
from hardsight.serve.log.errors import UnknownDecisionError
from hardsight.serve.log.query import LARGEST_PAGE, Query
from hardsight.serve.log.tables import DECISIONS, FEEDBACK

_COLUMNS = tuple(field.name for field in fields(Decision))
_SAID = tuple(field.name for field in fields(Feedback))
EVERYTHING = Query()


@dataclass(frozen=True)
class Logged:
    """A decision with its place in the log."""

    number: int
    """Counts up in the order of the commits: who has read up to one asks for those after it."""
    decision: Decision


class InspectionLog:
    """Rows in SQLite or PostgreSQL, to which rows are added and none is changed.

    Any thread may call any method. When ``append`` returns, its decisions outlast a power cut.

    Args:
        log: a file of SQLite, or a URL: ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``.

    Raises:
        ValueError: a URL of another database.
        LogError: it cannot be opened.
    """

    def __init__(self, log: str | Path) -> None:
        self.url = address(log)
        self.engine = connect(self.url)
        self._listeners: list[Listener] = []

    def append(self, decisions: Sequence[Decision]) -> None:
        """Write decisions in one transaction, and return when they are on disk.

        Raises:
            LogError: none of them may be taken as written.
        """
        if not decisions:
            return
        self.write(insert(DECISIONS), [asdict(each) for each in decisions])
        for listener in self._listeners:
            listener(decisions)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have decisions told of once they are on disk, in the thread that appended them.

        A listener must return at once and raise nothing. What must not be missed reads the log
        from the last number it knows instead, see ``read``.

        Returns:
            what ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def read(self, query: Query = EVERYTHING) -> list[Logged]:
        """Return the decisions of one page, in the order of their numbers."""
        return [Logged(row["number"], _decision(row)) for row in self.rows(query.statement)]

    def each(self, query: Query = EVERYTHING) -> Iterator[Logged]:
        """Yield all decisions that a query means, whatever its limit, page by page."""
        query = replace(query, limit=LARGEST_PAGE)
        while page := self.read(query):
            yield from page
            query = query.beyond(page[-1].number)

    def count(self, query: Query = EVERYTHING) -> int:
        """Return how many decisions a query means, whatever its limit."""
        counted = select(func.count().label("n")).select_from(DECISIONS).where(*query.conditions)
        return int(self.rows(counted)[0]["n"])

    def decision(self, decision: str) -> Decision:
        """Return the decision of an id.

        Raises:
            UnknownDecisionError: there is none.
        """
        rows = self.rows(select(DECISIONS).where(DECISIONS.c.id == decision))
        if not rows:
            raise UnknownDecisionError(decision)
        return _decision(rows[0])

    def judge(self, feedback: Feedback) -> None:
        """Write what a person said of a decision, and return when it is on disk.

        Raises:
            UnknownDecisionError: there is no such decision.
            LogError: it may not be taken as written.
        """
        self.decision(feedback.decision)
        self.write(insert(FEEDBACK), [asdict(feedback)])

    def feedback(self, decisions: Iterable[str]) -> Mapping[str, tuple[Feedback, ...]]:
        """Return all that was said of decisions, by their ids; of each the oldest first."""
        ids, found = list(decisions), dict[str, tuple[Feedback, ...]]()
        for start in range(0, len(ids), LARGEST_PAGE):
            chosen = FEEDBACK.c.decision.in_(ids[start : start + LARGEST_PAGE])
            for row in self.rows(select(FEEDBACK).where(chosen).order_by(FEEDBACK.c.number)):
                said = Feedback(**{name: row[name] for name in _SAID})
                found[said.decision] = (*found.get(said.decision, ()), said)
        return found

    def write(self, statement: Insert, rows: list[dict[str, Any]] | None = None) -> None:
        """Execute one insertion, and return when its rows are on disk.

        Raises:
            LogError: none of them may be taken as written.
        """
        with failing_as_log_error(self.url), writing(self.engine) as connection:
            connection.execute(statement, rows)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, statement: Select[Any]) -> Sequence[RowMapping]:
        """Return what a statement selects.

        Raises:
            LogError: it cannot be read.
        """
        with failing_as_log_error(self.url), self.engine.begin() as connection:
            return connection.execute(statement).mappings().all()


def _decision(row: RowMapping) -> Decision:
    return Decision(**{name: row[name] for name in _COLUMNS})
