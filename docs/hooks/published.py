"""The tables of the papers, from the package's data."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from hardsight.evaluation.published import Table, tables

MARKER = re.compile(r"<!-- published: (.+?), table (\w+)(?:, of (.+?))? -->")
SHOWN = ("method", "attack", "norm", "eps")
"""Facts of a column that its head states."""


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put a paper's table, or its columns of one method, in the place of its marker."""

    def put(found: re.Match[str]) -> str:
        paper, number, method = found.groups()
        return "\n".join(_lines(_table(paper, number), method))

    return MARKER.sub(put, markdown)


def _table(paper: str, number: str) -> Table:
    for table in tables():
        if (table.paper, table.table) == (paper, number):
            return table
    raise ValueError(f"no table {number!r} of {paper!r} is known")


def _lines(table: Table, method: str | None) -> Iterator[str]:
    columns = [{**table.facts, **column} for column in table.columns]
    wanted = [method in (None, column.get("method")) for column in columns]

    def line(names: Sequence[object], values: Sequence[object]) -> str:
        cells = [*names, *compress(values, wanted)]
        return "| " + " | ".join("" if v is None else str(v) for v in cells) + " |"

    yield f"{table.paper}, Table {table.table}: {table.caption}, as printed.\n"
    yield line(table.names, [_head(column) for column in columns])
    yield line(["---"] * len(table.names), ["---"] * len(columns))
    for row, values in zip(table.rows, table.values, strict=True):
        yield line(row[: len(table.names)], values)
    if table.average:
        yield line(["average", *[""] * (len(table.names) - 1)], table.average)


def _head(facts: Mapping[str, object]) -> str:
    clean = facts.get("attack") == "clean"
    named = (facts.get(key) for key in (SHOWN[:2] if clean else SHOWN))
    return " ".join(str(n) for n in named if n is not None)
