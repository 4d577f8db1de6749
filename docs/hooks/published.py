"""The tables of the papers, from the package's data."""

import re
from collections.abc import Iterator, Mapping

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from hardsight.evaluation.published import Table, tables

MARKER = re.compile(r"<!-- published: (.+?), table (.+?) -->")
SHOWN = ("method", "attack", "norm", "eps")
"""Facts of a column that its head states."""


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put a paper's table in the place of its marker."""
    return MARKER.sub(lambda found: "\n".join(_lines(_table(*found.groups()))), markdown)


def _table(paper: str, number: str) -> Table:
    for table in tables():
        if (table.paper, table.table) == (paper, number):
            return table
    raise ValueError(f"no table {number!r} of {paper!r} is known")


def _lines(table: Table) -> Iterator[str]:
    heads = [*table.names, *(_head({**table.facts, **column}) for column in table.columns)]
    yield f"{table.paper}, Table {table.table}: {table.caption}, as printed.\n"
    yield _cells(heads)
    yield _cells(["---"] * len(heads))
    yield from map(_cells, table.rows)
    if table.average:
        yield _cells(["average", *[""] * (len(table.names) - 1), *table.average])


def _head(facts: Mapping[str, object]) -> str:
    clean = facts.get("attack") == "clean"
    named = (facts.get(key) for key in (SHOWN[:2] if clean else SHOWN))
    return " ".join(str(n) for n in named if n is not None)


def _cells(values: list[object] | tuple[object, ...]) -> str:
    return "| " + " | ".join("" if v is None else str(v) for v in values) + " |"
