"""Figures averaged over the threat models that a method was attacked under."""

from collections.abc import Iterable
from typing import NamedTuple

from hardsight.benchmark.board import is_attacked
from hardsight.benchmark.entry import Entry
from hardsight.evaluation import Row
from hardsight.evaluation.results import Averages
from hardsight.evaluation.rows import averaged


class ThreatAverage(NamedTuple):
    """A suite over several threat models, on a data set with a seed."""

    data: str
    """With its category, if it has one."""
    seed: int
    values: Averages


def threat_averages(entries: Iterable[Entry]) -> list[ThreatAverage]:
    """Average every suite of a method over the threat models that it was run in, two at least.

    Args:
        entries: of one method.
    """
    found: dict[tuple[str, str | None, int, str], list[tuple[Entry, Row]]] = {}
    for entry in entries:
        data = (entry.data.name, entry.data.category)
        for row in filter(is_attacked, entry.attacked):
            found.setdefault((*data, entry.seed, row.attack), []).append((entry, row))
    return [_average(suite, same) for (*_, suite), same in found.items() if len(same) > 1]


def _average(suite: str, same: list[tuple[Entry, Row]]) -> ThreatAverage:
    first, rows = same[0][0], [row for _, row in same]
    data, values = first.data, averaged(suite, rows, first.trained, first.paper)
    return ThreatAverage(data.category or data.name, first.seed, values)
