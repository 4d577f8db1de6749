"""What a paper prints of a method, or of a variant of it, as FreeRAD of other diffusion steps."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hardsight.benchmark.entry import DataFacts, Entry
from hardsight.evaluation import Row
from hardsight.evaluation.published import Published, all_figures, first
from hardsight.evaluation.published.figure import Fact

SECONDS = "seconds an image"
"""The metric of published times."""


def beside_published(
    rows: Iterable[Row], paper: str | None, data: DataFacts, variant: Mapping[str, Fact]
) -> tuple[Row, ...]:
    """Return rows beside the published figures; one that no paper has beside none.

    Args:
        rows: of a detector.
        paper: whose published figures stand beside.
        data: on which it was measured.
        variant: see ``MethodAsked.variant``; empty: of the method as proposed.
    """
    if paper is None:
        return tuple(rows)
    found = []
    for row in rows:
        facts: dict[str, Fact | None] = {
            "metric": row.metric,
            "target": row.target,
            "attack": row.suite.removeprefix("map-"),
            "norm": row.norm,
            "eps": row.eps if row.norm else None,
        }
        figure = first(all_figures(), _of(paper, data) | facts, **variant)
        place = figure.place if figure else ""
        found.append(replace(row, published=figure.value if figure else None, place=place))
    return tuple(found)


def published_seconds(entry: Entry) -> Published | None:
    """Return how long a paper says that a score of an entry's method takes; None: it does not."""
    facts = _of(entry.paper, entry.data) | {"metric": SECONDS}
    return first(all_figures(), facts, **entry.variant)


def _of(paper: str | None, data: DataFacts) -> dict[str, Fact | None]:
    return {"method": paper, "data": data.name, "category": data.category}
