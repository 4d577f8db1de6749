"""What all pages share: how they look, and how plain text goes into them."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: Any) -> str:
    """Return a page as one HTML text that needs nothing else: no network, no other file.

    Args:
        template: name of a Jinja2 file of ``TEMPLATES``; it extends ``page.html.j2``, which holds
            the style, and fills its blocks ``title`` and ``main``. ``badge.html.j2`` has the
            coloured words.
        values: what the template names.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def plain(text: str) -> str:
    """Return text that no Markdown reader takes for markup, on one line."""
    flat = " ".join(text.split())
    for mark, safe in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("*", "\\*"), ("`", "\\`")):
        flat = flat.replace(mark, safe)
    return flat


def markdown_table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table; no cell is taken for markup."""
    lines = [heads, ["---"] * len(heads), *([plain(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]
