"""The tables of the papers, typed once, as data.

A file a paper. A table has ``facts`` of all its figures; ``columns``, with what each adds to them;
``names``, the facts that the first cells of a row give; ``rows``; the ``average`` over the rows
where the paper prints one, with ``average_facts``. Null: not printed, or no such fact. What another
table has already is typed there alone: ``caption`` says where, ``repeats`` that nothing is left.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hardsight.attacks import parse_radius
from hardsight.evaluation.published.figure import Fact, Published, place

PAPERS = ("freerad", "advrad", "patchguard", "purification", "rap")
"""Names of the files."""

Row = tuple[float | None, ...]


@dataclass(frozen=True)
class Table:
    """A table of a paper."""

    paper: str
    table: str
    caption: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    columns: tuple[Mapping[str, Fact], ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    """Each a fact for each of ``names``, and a value for each of ``columns``."""
    average: Row = ()
    average_facts: Mapping[str, Fact] = field(default_factory=dict)
    repeats: str = ""

    @property
    def place(self) -> str:
        """Where it stands, e.g. "FreeRAD, Table 2"."""
        return place(self.paper, self.table)

    @property
    def values(self) -> tuple[Row, ...]:
        """The rows without their names."""
        return tuple(row[len(self.names) :] for row in self.rows)

    def figures(self) -> Iterator[Published]:
        """Yield all figures of the table, row by row, the averages last."""
        for row in self.rows:
            named = dict(zip(self.names, row, strict=False))
            yield from self._of(named, row[len(self.names) :])
        if self.average:
            yield from self._of(self.average_facts, self.average)

    def _of(self, named: Mapping[str, Fact | None], values: Row) -> Iterator[Published]:
        for column, value in zip(self.columns, values, strict=True):
            if value is None:
                continue
            facts = _read({**self.facts, **column, **named})
            unit = str(facts.pop("unit"))
            yield Published(float(value), unit, self.paper, self.table, facts)


def _read(facts: Mapping[str, Fact | None]) -> dict[str, Fact]:
    """Return the facts that are there, radii and other numbers as floats; a clean one has none."""
    found = {k: v for k, v in facts.items() if v is not None}
    if found.get("attack") == "clean":
        found = {k: v for k, v in found.items() if k not in ("norm", "eps")}
    if "eps" in found:
        found["eps"] = parse_radius(found["eps"])
    return {k: v if isinstance(v, str) else float(v) for k, v in found.items()}


@cache
def papers() -> dict[str, dict[str, Any]]:
    """Read the files: name -> what it holds."""
    here = Path(__file__).parent
    return {
        name: yaml.safe_load((here / f"{name}.yaml").read_text(encoding="utf-8")) for name in PAPERS
    }


@cache
def tables() -> tuple[Table, ...]:
    """Return all tables of all papers, in their order."""
    return tuple(
        Table(**{k: _frozen(v) for k, v in one.items()}, paper=paper["paper"])
        for paper in papers().values()
        for one in paper["tables"]
    )


@cache
def all_figures() -> tuple[Published, ...]:
    """Return every figure of every paper, in the order of the tables."""
    return tuple(figure for table in tables() for figure in table.figures())


def known_of(method: str | None) -> tuple[str, ...]:
    """Return what is known of a method's published figures, in sentences."""
    found = (paper["remarks"].get(method, ()) for paper in papers().values())
    return tuple(" ".join(sentence.split()) for sentences in found for sentence in sentences)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
