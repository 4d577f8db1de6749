"""What all pages share: how they look, and how plain text goes into them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hardsight.evaluation.wording import change, figure, span

TEMPLATES = Path(__file__).with_name("templates")
MARKS = re.compile(r"[\\|*`\[\]~]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown takes for markup inside a line; of underscores those at the edges of a word."""


def render(template: str | Path, **values: Any) -> str:
    """Return a page as one HTML text that needs nothing else: no network, no other file.

    Args:
        template: name of a Jinja2 file of ``TEMPLATES``, or the path of one elsewhere; it extends
            ``page.html.j2``, which holds the style, and fills its blocks ``title`` and ``main``.
            ``badge.html.j2`` has the coloured words.
        values: what the template names.

    Filters of the templates: ``value | figure(measure)``, ``low | span(high, measure)`` and
    ``difference | change(measure)``, of ``hardsight.evaluation.wording``.
    """
    place = TEMPLATES / template
    environment = Environment(
        loader=FileSystemLoader([place.parent, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_unbroken,
    )
    environment.filters |= {"figure": figure, "span": span, "change": change}
    return environment.get_template(place.name).render(**values)


def _unbroken(value: object) -> object:
    """Return a text that is not broken between a number and its "%"."""
    return value.replace(" %", "\N{NO-BREAK SPACE}%") if isinstance(value, str) else value


def plain(text: str) -> str:
    """Return text that no Markdown reader takes for markup, on one line."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return MARKS.sub(r"\\\g<0>", flat)


def markdown_table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table; no cell is taken for markup."""
    lines = [heads, ["---"] * len(heads), *([plain(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def bullets(sentences: Iterable[str]) -> list[str]:
    """Return the lines of a list; no sentence is taken for markup."""
    return [f"- {plain(sentence)}" for sentence in sentences]


def provenance_lines(provenance: Mapping[str, str]) -> list[str]:
    """Return the lines that say what a result owes to."""
    rows = [list(pair) for pair in provenance.items()]
    return ["## Provenance", "", *markdown_table(["What", "Value"], rows)]
