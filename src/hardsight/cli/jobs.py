"""Jobs that are carried out beside each other, shown while they are."""

from collections.abc import Callable, Sequence
from functools import partial

from rich.live import Live
from rich.table import Table

from hardsight.cli.console import errors, say
from hardsight.cli.pace import Pace


class Jobs:
    """Shows what the jobs do, and how long all take: a live table on a terminal, lines elsewhere.

    Args:
        names: of the jobs, in the order of their numbers.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._stages: dict[int, tuple[str, str]] = {}
        self._ended = 0
        self._paces = [Pace(self._writer(name), lines=True) for name in names]
        self._pace = Pace(partial(say, to=errors), lines=True)
        self._live = Live(self._table(), console=errors) if errors.is_terminal else None

    def __enter__(self) -> "Jobs":
        if self._live:
            self._live.start()
        self._pace("jobs", 0, len(self._names))
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, job: int, stage: str, done: int, total: int, info: str = "") -> None:
        """Take notice that ``done`` of ``total`` units of a job's stage are finished."""
        ended = stage in ("done", "failed")
        self._ended += ended
        self._stages[job] = (stage, f"{done} of {total} {info}".strip())
        if ended:
            del self._stages[job]
        if self._live:
            self._live.update(self._table())
        elif stage == "entries":
            self._writer(self._names[job])(f"entry {done} of {total} is there: {info}")
        elif ended:
            self._writer(self._names[job])(f"{stage} {info}".rstrip())
        else:
            self._paces[job](stage, done, total, info)
        if ended:
            self._pace("jobs", self._ended, len(self._names))

    def _writer(self, name: str) -> Callable[[str], None]:
        return lambda line: say(f"{name}: {line}", to=errors)

    def _table(self) -> Table:
        """Return a row for every job that is being carried out."""
        left = len(self._names) - self._ended - len(self._stages)
        table = Table("job", "stage", "", caption=f"{self._ended} ended, {left} to come")
        for job, stage in sorted(self._stages.items()):
            table.add_row(self._names[job], *stage)
        return table
