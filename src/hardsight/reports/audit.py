"""The page of an audit: the verdict, and a card for every check."""

import inspect

import numpy as np
from markupsafe import Markup

from hardsight.audit.checks import CHECKS
from hardsight.audit.results import Audit, Plot, Verdict
from hardsight.evaluation.wording import radius
from hardsight.reports.canvas import DASHES, INK, SERIES, add_legend, as_svg, label_axes, panels
from hardsight.reports.page import markdown_table, plain, provenance_lines, render

TONES: dict[Verdict, str] = {
    "pass": "holds",
    "warn": "weakened",
    "fail": "broken",
    "skipped": "open",
}
"""Verdict -> the word of ``badge.html.j2`` with its colour."""
WORDS: dict[Verdict, str] = {
    "pass": "passed",
    "warn": "with care",
    "fail": "failed",
    "skipped": "not made",
}
ORDER: tuple[Verdict, ...] = ("fail", "warn", "pass", "skipped")
"""Order of the cards."""


def question(name: str) -> str:
    """Return what a check asks: the first line of its docstring."""
    return (inspect.getdoc(CHECKS[name]) or "").splitlines()[0]


def plot_svg(plot: Plot, name: str) -> str:
    """Plot lines between 0 and 1 over named positions, the first with its interval as a band.

    Accuracies are drawn in per cent.
    """
    scale, unit = (100, ", in per cent") if plot.y.startswith("accuracy") else (1, "")
    figure, (ax,) = panels(3.6, 2.6)
    at = range(len(plot.ticks))
    if plot.y.startswith("AUROC"):
        ax.axhline(0.5, color=INK, alpha=0.4, linewidth=0.9)
        ax.text(at[-1], 0.51, "coin toss", color=INK, alpha=0.7, fontsize=8, ha="right")
    if plot.low:
        low, high = scale * np.array([plot.low, plot.high])
        ax.fill_between(at, low, high, color=SERIES[0], alpha=0.25, linewidth=0)
    for k, (text, ys) in enumerate(plot.lines.items()):
        style = {"color": SERIES[k], "linestyle": DASHES[k], "linewidth": 2.0, "label": text}
        ax.plot(range(len(ys)), scale * np.array(ys), marker="o", markersize=5, **style)
    ax.set_xticks(list(at), list(plot.ticks))
    ax.set(ylim=(-0.03 * scale, 1.03 * scale))
    label_axes(ax, plot.x, plot.y + unit)
    if len(plot.lines) > 1:
        add_legend(ax)
    return as_svg(figure, f"audit-{name}")


def html(audit: Audit) -> str:
    """Return the verdict, and a card for every check, as one page."""
    return render(
        "audit.html.j2",
        audit=audit,
        tone=TONES[audit.verdict],
        word="unfinished" if audit.verdict == "skipped" else WORDS[audit.verdict],
        threat=radius(audit.norm, audit.eps),
        counts=[(TONES[v], len(audit.of(v)), WORDS[v]) for v in TONES if audit.of(v)],
        cards=[
            {
                "check": c,
                "question": question(c.name),
                "tone": TONES[c.verdict],
                "word": WORDS[c.verdict],
                "plot": c.plot and Markup(plot_svg(c.plot, c.name)),
            }
            for c in sorted(audit.checks, key=lambda c: ORDER.index(c.verdict))
        ],
    )


def markdown(audit: Audit) -> list[str]:
    """Return verdict, checks and provenance as lines of Markdown."""
    lines = [f"# Audit of {plain(audit.title)}", "", f"**{plain(audit.headline)}**", ""]
    lines += [f"Checked at {radius(audit.norm, audit.eps)}.", ""]
    rows = [[c.name, c.verdict, c.evidence or "-", c.sentence] for c in audit.checks]
    lines += [*markdown_table(["Check", "Verdict", "Evidence", "What it means"], rows), ""]
    lines += [f"- **{c.name}**: {question(c.name)}" for c in audit.checks]
    return [*lines, "", *provenance_lines(audit.provenance)]
