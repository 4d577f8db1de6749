"""Methods as ranked lines of the board: measurements averaged over seeds, then categories."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import mean

from hardsight.benchmark.board import NOT_AUDITED, Line, place


@dataclass(frozen=True)
class Standing:
    """A method on a data set under a threat: its lines, averaged over seeds, then categories."""

    lines: tuple[Line, ...]
    measured: frozenset[str] = frozenset()
    """Categories of the data set that some method has under the threat."""

    @property
    def first(self) -> Line:
        """Any of its lines: they are of one method, data set and threat."""
        return self.lines[0]

    @property
    def categories(self) -> tuple[str, ...]:
        """Over which it is averaged."""
        return tuple(dict.fromkeys(line.entry.data.category or "" for line in self.lines))

    @property
    def partial(self) -> bool:
        """Whether it averages fewer categories than there are, so that others average more."""
        return bool(self.measured - set(self.categories))

    @property
    def seeds(self) -> int:
        """How many seeds there are lines of."""
        return len({line.entry.seed for line in self.lines})

    @property
    def clean(self) -> float:
        """The main figure left alone."""
        return self._average({line: line.clean.value for line in self.lines})

    @property
    def before(self) -> float | None:
        """The main figure of the attacked images left alone; None: all were, or it is not known."""
        found = {line: line.before for line in self.lines}
        if not any(line.some for line in self.lines) or None in found.values():
            return None
        return self._average({line: each.value for line, each in found.items() if each})

    @property
    def robust(self) -> float:
        """By which it is ranked."""
        return self._average({line: line.robust.value for line in self.lines})

    @property
    def noise(self) -> str:
        """The columns that it is ranked by, as "worst" or "worst or fixed"."""
        found = {line.noise for line in self.lines}
        return " or ".join(name for name in ("mean", "worst", "fixed") if name in found)

    @property
    def spread(self) -> tuple[float, float]:
        """Its interval; of several lines the lowest and the highest of them."""
        if len(self.lines) == 1:
            return self.first.robust.low, self.first.robust.high
        values = [line.robust.value for line in self.lines]
        return min(values), max(values)

    @property
    def compared(self) -> tuple[float, float, str] | None:
        """Published, measured by the same attack, and where, over categories that have both."""
        rows = {line: line.compared for line in self.lines}
        found = {line: row for line, row in rows.items() if row is not None}
        if not found:
            return None
        published = {line: float(row.published or 0) for line, row in found.items()}
        measured = {line: row.mean.value for line, row in found.items()}
        places = dict.fromkeys(f"{row.place}, {row.attack}" for row in found.values())
        return self._average(published), self._average(measured), "; ".join(places)

    @property
    def audit(self) -> str:
        """The verdict that says least for it."""
        order = ("fail", NOT_AUDITED, "skipped", "warn", "pass")
        return min((line.audit for line in self.lines), key=order.index)

    @property
    def audited(self) -> int:
        """How many of its lines were audited."""
        return sum(line.audit != NOT_AUDITED for line in self.lines)

    @property
    def seconds(self) -> float:
        """How long the attack of an image took."""
        return mean(line.attacked.seconds_per_image for line in self.lines)

    def _average(self, values: Mapping[Line, float]) -> float:
        each: dict[str | None, list[float]] = {}
        for line, value in values.items():
            each.setdefault(line.entry.data.category, []).append(value)
        return mean(mean(found) for found in each.values())


def standings(board: Sequence[Line]) -> list[Standing]:
    """Return the standings of sorted lines, by data set and threat: those of most methods first.

    Figures of different threats do not compare, nor do averages of different categories. Of one
    data set and threat those of all categories are first; then the most robust, and of equals the
    best left alone.
    """
    measured: dict[tuple[str, str], frozenset[str]] = {}
    for line in board:
        entry, where = line.entry, place(line)[1:]
        measured[where] = measured.get(where, frozenset()) | {entry.data.category or ""}
    found = [Standing(tuple(same), measured[where[1:]]) for where, same in groupby(board, place)]
    methods = Counter(place(standing.first)[1:] for standing in found)

    def rank(standing: Standing) -> tuple[int, str, str, bool, float, float]:
        _, data, threat = place(standing.first)
        figures = -standing.robust, -standing.clean
        return -methods[data, threat], data, threat, standing.partial, *figures

    return sorted(found, key=rank)
