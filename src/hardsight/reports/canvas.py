"""The figures of a page as inline SVG text.

The SVG has no fixed ink: text and axes take ``currentColor`` and the series the CSS variables
``--normal``, ``--anomalous``, ``--s0`` ..., so that one file reads in light, dark and print.
Matplotlib is used through its objects alone; no global state survives a call.
"""

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#010203"  # stands for currentColor until the SVG is written
SERIES = tuple(f"#0102{k:02x}" for k in range(16, 24))
NORMAL, ANOMALOUS = "#010230", "#010231"
_CSS = {INK: "currentColor", NORMAL: "var(--normal)", ANOMALOUS: "var(--anomalous)"} | {
    colour: f"var(--s{k})" for k, colour in enumerate(SERIES)
}
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v")


def panels(width: float, height: float, rows: int = 1) -> tuple["Figure", list[Any]]:
    """Return an empty figure, in inches, and its axes one above the other."""
    from matplotlib.figure import Figure  # slow to import: not before it is needed

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0.0)
    axes = list(np.atleast_1d(figure.subplots(rows, 1, sharex=True)))
    for ax in axes:
        ax.patch.set_alpha(0.0)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(INK)
        ax.tick_params(colors=INK, labelsize=9)
        ax.grid(color=INK, alpha=0.13, linewidth=0.6)
        ax.set_axisbelow(True)
    return figure, axes


def label_axes(ax: Any, x: str = "", y: str = "") -> None:
    """Say what the axes show."""
    ax.set_xlabel(x, color=INK, fontsize=10)
    ax.set_ylabel(y, color=INK, fontsize=10)


def add_legend(ax: Any) -> None:
    """Name the lines above the axes: inside them a line may cross the names."""
    handles, labels = ax.get_legend_handles_labels()
    legend = ax.figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=_columns(labels, ax.figure.get_figwidth()),
        fontsize=9,
        frameon=False,
        labelcolor=INK,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _columns(labels: Sequence[str], wide: float) -> int:
    """Return how many columns a legend has, 3 at most, to be no wider than so many inches."""

    def width(columns: int) -> float:
        rows = -(-len(labels) // columns)
        parts = (labels[i : i + rows] for i in range(0, len(labels), rows))
        return sum(0.55 + 0.066 * max(map(len, part)) for part in parts)

    return next((n for n in (3, 2) if width(n) <= wide), 1)


def as_svg(figure: "Figure", salt: str) -> str:
    """Return the figure as an SVG element to stand inside HTML: no prolog, no namespaces."""
    import matplotlib as mpl  # slow to import: not before it is needed
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", _inline, text)  # text between the tags, of others, stays as it is
    return re.sub(r"\n\s*", "\n", text).strip()


def _inline(found: re.Match[str]) -> str:
    """Return a tag of an SVG file as it stands inside HTML."""
    tag = re.sub(r' xmlns(:\w+)?="[^"]*"', "", found[0])
    if tag.startswith("<svg "):
        tag = re.sub(r' (width|height)="[^"]*"', "", tag)
    tag = re.sub(r' id="[A-Za-z.]+_\d+(_\d+)?"', "", tag)  # figure_1, axes_1: repeated per SVG
    tag = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", tag)
    for colour, css in _CSS.items():
        tag = tag.replace(colour, css)
    return tag
