"""Figures averaged over the threat models that a method was attacked under."""

from collections.abc import Iterable
from statistics import mean
from typing import NamedTuple

from hardsight.attacks import parse_radius
from hardsight.benchmark.board import is_attacked
from hardsight.benchmark.entry import Entry
from hardsight.evaluation import Row
from hardsight.evaluation.published import published_over_threats


class ThreatAverage(NamedTuple):
    """A suite over several threat models (Blau et al., 2022, section 4.2)."""

    data: str
    """With its category, if it has one."""
    seed: int
    suite: str
    threats: tuple[str, ...]
    all: float
    """AoA, over all threat models."""
    unseen: float | None
    """AwT, over those not trained on; None if there are none of these."""
    published_all: float | None
    published_unseen: float | None


def threat_averages(entries: Iterable[Entry]) -> list[ThreatAverage]:
    """Average every suite of a method over the threat models that it was run in, two at least.

    Args:
        entries: of one method.
    """
    found: dict[tuple[str, int, str], list[tuple[Entry, Row]]] = {}
    for entry in entries:
        data = entry.data.category or entry.data.name
        for row in filter(is_attacked, entry.attacked):
            found.setdefault((data, entry.seed, row.attack), []).append((entry, row))
    return [_average(*key, same) for key, same in found.items() if len(same) > 1]


def _average(data: str, seed: int, suite: str, same: list[tuple[Entry, Row]]) -> ThreatAverage:
    unseen = [row.mean.value for entry, row in same if not _is_trained_on(entry)]
    paper = same[0][0].paper
    published = [published_over_threats(paper, suite, metric) for metric in ("AoA", "AwT")]
    return ThreatAverage(
        data,
        seed,
        suite,
        tuple(entry.threat.name for entry, _ in same),
        mean(row.mean.value for _, row in same),
        mean(unseen) if unseen else None,
        *(figure.value if figure else None for figure in published),
    )


def _is_trained_on(entry: Entry) -> bool:
    """Tell whether the threat of an entry is that of the adversarial training."""
    threat = entry.threat
    return entry.trained is not None and entry.trained == (threat.norm, parse_radius(threat.eps))
