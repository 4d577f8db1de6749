"""The report of a classifier's evaluation: one HTML file, a Markdown page, a JSON file."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from hardsight.core.files import write_atomically
from hardsight.evaluation.accuracy.results import (
    Accuracy,
    Averages,
    ClassPicture,
    remarks,
    strongest,
)
from hardsight.evaluation.results import Row
from hardsight.evaluation.wording import UNRELIABLE, radius, tags
from hardsight.reports import plots
from hardsight.reports.accuracy_plots import curve_svg
from hardsight.reports.detector import COLUMNS as SHARED
from hardsight.reports.detector import check_finite, table_row
from hardsight.reports.page import markdown_table, plain, render

_HERE = {
    "mean": ("Mean", "the class of the logits averaged over fresh draws no attack ever saw"),
    "worst": ("Worst", "images right in every one of the fresh draws: a resubmission fools it"),
}
COLUMNS = {k: _HERE.get(k, v) for k, v in SHARED.items() if k not in ("target", "metric")}
"""Key -> (header, what it means in one sentence), in the order shown."""


def headline(found: Accuracy) -> str:
    """Return the result in one sentence."""
    clean = f"{100 * found.rows[0].mean.value:.1f} % right when left alone"
    worst = strongest(found.rows)
    if worst is None:
        return f"{clean}; no attack was tried."
    at = f"{100 * worst.mean.value:.1f} % under {worst.attack}"
    if radius(worst.norm, worst.eps) not in worst.attack:
        at += f" ({radius(worst.norm, worst.eps)})"
    doubts = ", ".join(tags(worst.flags))
    return f"{clean}, {at}{f' - perhaps fewer, for the attack is {doubts}' if doubts else ''}."


def reasons(rows: Sequence[Row]) -> list[str]:
    """Return why rows are unreliable, a sentence for each check of the audit that failed."""
    flags = dict.fromkeys(flag for row in rows for flag in row.flags)
    marked = [flag.partition(": ") for flag in flags]
    return [
        f"Why {UNRELIABLE}: the audit's check {reason}"
        for mark, _, reason in marked
        if mark == UNRELIABLE and reason
    ]


def average_cells(average: Averages) -> list[str]:
    """Return a suite's averages as cells."""
    unseen = "-" if average.unseen is None else f"{100 * average.unseen:.1f}"
    return [average.suite, ", ".join(average.threats), f"{100 * average.all:.1f}", unseen]


AVERAGE_HEADS = ["Attack", "Threat models", "AoA, of all", "AwT, of those not trained on"]


def write_accuracy_json(found: Accuracy, path: str | Path) -> Path:
    """Write ``found.to_json()``: all but the pictures.

    Raises:
        ValueError: a number that is not finite.
    """
    check_finite(found)  # type: ignore[arg-type]
    text = json.dumps(found.to_json(), allow_nan=False, default=float, ensure_ascii=False)
    return write_atomically(path, text + "\n")


def write_accuracy_markdown(found: Accuracy, path: str | Path) -> Path:
    """Write the tables, notes and provenance as Markdown; errors as ``write_accuracy_json``."""
    check_finite(found)  # type: ignore[arg-type]
    lines = [f"# {plain(found.title)}", "", plain(headline(found)), ""]
    lines += [f"- {plain(s)}" for s in (*remarks(found.rows), *reasons(found.rows), *found.known)]
    lines += ["", "Accuracy in per cent, with 95 % intervals.", ""]
    cells = [
        [f"{c.main} ({c.small})" if c.small else c.main for k, c in row.items() if k in COLUMNS]
        for row in map(table_row, found.rows)
    ]
    lines += markdown_table([h for h, _ in COLUMNS.values()], cells)
    if found.averages:
        table = [average_cells(a) for a in found.averages]
        lines += ["", *markdown_table(AVERAGE_HEADS, table)]
    for curve in found.curves:
        heads = [curve.x_label, *curve.lines]
        xs = sorted({x for points in curve.lines.values() for x, _ in points})
        by = [{x: f"{100 * e.value:.1f}" for x, e in points} for points in curve.lines.values()]
        lines += ["", f"## {plain(curve.title)}", ""]
        lines += markdown_table(heads, [[f"{x:g}", *(b.get(x, "-") for b in by)] for x in xs])
    lines += ["", *(f"- **{title}**: {text}." for title, text in COLUMNS.values()), ""]
    if found.notes:
        lines += ["## Not covered", "", *(f"- {plain(note)}" for note in found.notes), ""]
    lines += ["## Provenance", ""]
    lines += markdown_table(["What", "Value"], [list(p) for p in found.provenance.items()])
    return write_atomically(path, "\n".join([*lines, ""]))


def write_accuracy_html(found: Accuracy, path: str | Path) -> Path:
    """Write the report as one HTML file that needs nothing else: no network, no other file.

    Raises:
        ValueError: a number that is not finite.
        OSError: the folder cannot be written; what was at ``path`` is then untouched.
    """
    check_finite(found)  # type: ignore[arg-type]
    rows = [
        ({k: c for k, c in table_row(r).items() if k in COLUMNS}, tags(r.flags), place)
        for r, place in zip(found.rows, found.places, strict=True)
    ]
    mark = f", {UNRELIABLE}" if reasons(found.rows) else ""
    text = render(
        "accuracy.html.j2",
        a=found,
        headline=headline(found),
        remarks=[*remarks(found.rows), *reasons(found.rows), *found.known],
        columns=COLUMNS,
        rows=rows,
        averages=[average_cells(v) for v in found.averages],
        average_heads=AVERAGE_HEADS,
        figures=[(c.title, Markup(curve_svg(c)), c.caption) for c in found.curves],
        gallery=[_shown(p, mark) for p in found.gallery],
        amplify=plots.AMPLIFY,
    )
    return write_atomically(path, text)


def _shown(p: ClassPicture, mark: str) -> dict[str, Any]:
    """What the template shows of an image; attacked ones carry the mark."""
    pictures = [("clean", plots.photo(p.image))]
    if p.purified is not None:
        pictures.append(("purified", plots.photo(p.purified)))
    if p.attacked is not None:
        pictures.append((f"attacked{mark}", plots.photo(p.attacked)))
        text = f"perturbation x {plots.AMPLIFY}{mark}"
        pictures.append((text, plots.perturbation(p.image, p.attacked)))
    if p.purified_attacked is not None:
        pictures.append((f"attacked, purified{mark}", plots.photo(p.purified_attacked)))
    encoded = [
        (caption, "data:image/jpeg;base64," + base64.b64encode(jpeg).decode())
        for caption, jpeg in pictures
    ]
    return {
        "picture": p,
        "pictures": encoded,
        "small": max(p.image.shape[-2:]) < 128,
        "fooled": (p.said_attacked or p.said_clean) != p.label,
    }
