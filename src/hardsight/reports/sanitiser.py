"""HTML of others made harmless: the elements and attributes of reports, and nothing else."""

import re
from collections.abc import Callable, Sequence
from html import escape
from html.parser import HTMLParser

from markupsafe import Markup

from hardsight.reports.pictures import is_embedded

SILENT = {"script", "style", "title", "template"}
"""Elements whose content is not shown either."""
SECTIONS = ("section", "div", "h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd")
TABLES = ("table", "thead", "tbody", "tr", "th", "td")
WORDS = ("span", "strong", "small", "abbr", "code", "br")
FIGURES = ("figure", "figcaption", "img")
DRAWINGS = ("svg", "defs", "g", "path", "rect", "use", "text", "tspan", "clippath")
ELEMENTS = {*SECTIONS, *TABLES, *WORDS, *FIGURES, *DRAWINGS}

PLAIN = (
    *("id", "class", "title", "role", "scope", "alt", "loading", "data-label", "aria-hidden"),
    *("viewbox", "version", "x", "y", "width", "height", "d", "transform"),
)
_INSIDE = re.compile(r"#[\w.-]+")
_STYLE = re.compile(r"[\w\s:;.,%#()'-]*")


def _is_style(value: str) -> bool:
    """Tell whether a style has no slash and no escape, without which no address is elsewhere."""
    return _STYLE.fullmatch(value) is not None


def _is_inside(value: str) -> bool:
    """Tell whether an address is of the page itself."""
    return _INSIDE.fullmatch(value) is not None


ATTRIBUTES: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(PLAIN, lambda value: True),
    **dict.fromkeys(("style", "clip-path"), _is_style),
    **dict.fromkeys(("href", "xlink:href"), _is_inside),
    "src": is_embedded,
}
"""Attribute -> whether it may have a value."""


def sanitised(html: str) -> Markup:
    """Return HTML made anew of what reports consist of; all else goes, and text is escaped.

    No script, no event handler, no link to elsewhere and no picture but embedded ones that can be
    decoded is left. What stands inside other elements is kept as text.

    Args:
        html: a page or a part of one; what its parser and a browser may read differently does not
            matter, as the browser gets what was written anew.
    """
    parser = _Sanitiser()
    parser.feed(html)
    parser.close()
    return Markup("".join(parser.made))


class _Sanitiser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.made: list[str] = []
        self._silent = ""  # the element that hides what is read

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._begin(tag, attrs, ">")

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._begin(tag, attrs, "/>")

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            self._silent = "" if tag == self._silent else self._silent
        elif tag in ELEMENTS:
            self.made.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.made.append(escape(data))

    def _begin(self, tag: str, attrs: Sequence[tuple[str, str | None]], end: str) -> None:
        if self._silent:
            return
        if tag in ELEMENTS:
            kept = {name: value or "" for name, value in attrs if name in ATTRIBUTES}
            text = (f' {k}="{escape(v)}"' for k, v in kept.items() if ATTRIBUTES[k](v))
            self.made.append(f"<{tag}{''.join(text)}{end}")
        elif tag in SILENT and end == ">":
            self._silent = tag
