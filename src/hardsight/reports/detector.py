"""The report of an evaluation: one HTML file, a Markdown page, a JSON file."""

import base64
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from torch import Tensor

from hardsight.core.files import write_atomically
from hardsight.evaluation.results import Estimate, Evaluation, Row
from hardsight.evaluation.verdict import RULE, counts, judge, outcome, strongest
from hardsight.evaluation.wording import UNRELIABLE, radius, tags
from hardsight.reports import plots
from hardsight.reports.page import markdown_table, plain, render

COLUMNS = {
    "attack": ("Attack", "how the perturbation was searched for; clean: none"),
    "flags": ("Flags", "reasons not to trust the row as it is"),
    "target": ("Aimed at", "what the attacker tried to spoil: the image score or the heat map"),
    "ball": ("Perturbation", "the largest change allowed: L-inf to any pixel, L2 to all together"),
    "metric": (
        "Metric",
        "AUROC: share of (defect, good) pairs in the right order; held-out: of defects and the "
        "good parts that the threshold was set on, not those of the test set; object alone: of a "
        "map that marks the whole object and knows no defect",
    ),
    "mean": ("Mean", "scores averaged over fresh noise draws that the attack never saw"),
    "single": ("Single", "one noise draw only; the interval is over draws and images"),
    "worst": ("Worst", "of the fresh draws, each image's worst for the defender"),
    "fixed": ("Fixed", "the noise never changes and the attacker knows it"),
    "published": ("Published", "the paper's figure, and measured minus published"),
    "budget": ("Budget", "what the attacker could spend on an image; draws scored afterwards"),
    "seconds": (
        "s / image",
        "seconds for an image on the device named below: of the attack, or of one clean score",
    ),
}
"""Key -> (header, what it means in one sentence), in the order shown."""


class Cell(NamedTuple):
    """A figure and what stands small beneath it."""

    main: str
    small: str = ""


def table_row(row: Row) -> dict[str, Cell]:
    """Return a row's cells by the keys of ``COLUMNS``; figures in per cent, "-" if not measured."""
    b = row.budget
    draws = f"{row.fresh_draws} fresh draw{'s' * (row.fresh_draws != 1)}"
    used = f"{b.name}, {b.passes:,} passes, {draws}"
    attacked = row.norm is not None
    return {
        "attack": Cell(row.attack),
        "flags": Cell(", ".join(tags(row.flags)) or "-"),
        "target": Cell(row.target),
        "ball": Cell(radius(row.norm, row.eps) or "-"),
        "metric": Cell(row.metric),
        "mean": _cell(row.mean),
        "single": _cell(row.single),
        "worst": _cell(row.worst),
        "fixed": _cell(row.fixed),
        "published": _published(row),
        "budget": Cell(b.attacks, used) if attacked else Cell("-"),
        "seconds": Cell(f"{row.seconds_per_image:.3g}" if row.seconds_per_image else "-"),
    }


def _cell(estimate: Estimate | None) -> Cell:
    if estimate is None:
        return Cell("-")
    value, low, high = (100 * v for v in estimate)
    return Cell(f"{value:.1f}", f"{low:.1f} to {high:.1f}" if high > low else "")


def _published(row: Row) -> Cell:
    if row.published is None:
        return Cell("-")
    return Cell(f"{100 * row.published:.1f}", f"{100 * (row.mean.value - row.published):+.1f}")


def check_finite(evaluation: Evaluation) -> None:
    """Refuse to write a report with a NaN or an infinity anywhere in it.

    Raises:
        ValueError: names the place, e.g. ``evaluation.rows[2].mean[0]``.
    """
    for place, value in _numbers(evaluation, "evaluation"):
        if not np.isfinite(value).all():
            raise ValueError(
                f"{place} holds a NaN or an infinity and cannot be reported; find the image or the "
                "attack step it comes from"
            )


def _numbers(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Tensor):
        yield place, value.detach().float().cpu().numpy()
    elif isinstance(value, (float, np.number, np.ndarray)):
        yield place, value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _numbers(getattr(value, field.name), f"{place}.{field.name}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, f"{place}[{key!r}]")
    elif isinstance(value, tuple):
        for k, item in enumerate(value):
            yield from _numbers(item, f"{place}[{k}]")


def _uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _gallery(evaluation: Evaluation) -> tuple[list[dict[str, Any]], tuple[float, float]]:
    """Return what the template shows of each item, and the heat scale they all share."""
    items = evaluation.gallery
    maps = [m for i in items for m in (i.map_clean, i.map_attacked) if m is not None]
    scale = plots.heat_scale(maps) if maps else (0.0, 1.0)
    doubtful = any(f.startswith(UNRELIABLE) for row in evaluation.rows for f in row.flags)
    mark = f", {UNRELIABLE}" if doubtful else ""
    shown = []
    for i in items:
        pictures = [("input", plots.photo(i.image))]
        if i.attacked is not None:
            pictures.append((f"attacked input{mark}", plots.photo(i.attacked)))
            what = f"perturbation x {plots.AMPLIFY}{mark}"
            pictures.append((what, plots.perturbation(i.image, i.attacked)))
        if i.reconstruction is not None:
            pictures.append(("rebuilt from input", plots.photo(i.reconstruction)))
        pictures.append(("heat map, clean", plots.heat(i.image, i.map_clean, i.mask, scale)))
        if i.map_attacked is not None:
            under = i.image if i.attacked is None else i.attacked
            picture = plots.heat(under, i.map_attacked, i.mask, scale)
            pictures.append((f"heat map, attacked{mark}", picture))
        text, fooled = outcome(i, evaluation.threshold)
        shown.append(
            {
                "item": i,
                "pictures": [(caption, _uri(jpeg)) for caption, jpeg in pictures],
                "outcome": text,
                "fooled": fooled,
                "small": max(i.image.shape[-2:]) < 128,
            }
        )
    return shown, scale


def _figures(evaluation: Evaluation) -> list[tuple[str, Markup, str]]:
    """Return (title, SVG, caption) of the line plots that the evaluation has numbers for."""
    scores, labels = evaluation.scores, evaluation.labels
    attack = strongest(evaluation)
    found = [
        (
            "Defects found against false alarms",
            Markup(plots.roc_svg(scores, labels)),
            "Every threshold at once, on scores averaged over the fresh draws. A detector that "
            "cannot be fooled keeps to the upper left when attacked; on the diagonal it guesses.",
        )
    ]
    if evaluation.curve:
        found.append(
            (
                "How strong must the attack be?",
                Markup(plots.curve_svg(evaluation.curve)),
                f"AUROC as the allowed perturbation grows, with its 95 % interval. "
                f"Attack: {evaluation.curve_label}.",
            )
        )
    names = ["clean"] + ([attack] if attack else [])
    found.append(
        (
            "Scores of good parts and defects",
            Markup(plots.histogram_svg(scores, labels, names, evaluation.threshold)),
            "Mean scores of the test images"
            + (f", clean above and under {attack} below, on one axis" if attack else "")
            + ". The further apart the two colours, the better."
            + (
                " Above the dashed threshold is an alarm."
                if evaluation.threshold is not None
                else ""
            ),
        )
    )
    return found


def _alarms(evaluation: Evaluation) -> list[tuple[str, int, int, int, int]]:
    if evaluation.threshold is None:
        return []
    return [(name, *counts(evaluation, name)) for name in evaluation.scores]


def write_html(evaluation: Evaluation, path: str | Path) -> Path:
    """Write the report as one HTML file that needs nothing else: no network, no other file.

    Raises:
        ValueError: a number that is not finite.
        OSError: the folder cannot be written; what was at ``path`` is then untouched.
    """
    check_finite(evaluation)
    gallery, scale = _gallery(evaluation)
    text = render(
        "report.html.j2",
        e=evaluation,
        verdict=judge(evaluation),
        rule=RULE,
        columns=COLUMNS,
        rows=[(row, table_row(row), tags(row.flags)) for row in evaluation.rows],
        alarms=_alarms(evaluation),
        figures=_figures(evaluation),
        gallery=gallery,
        scale=scale,
        bar=_uri(plots.heat_bar()),
        amplify=plots.AMPLIFY,
    )
    return write_atomically(path, text)


def write_markdown(evaluation: Evaluation, path: str | Path) -> Path:
    """Write verdict, tables, notes and provenance as Markdown; errors as ``write_html``."""
    check_finite(evaluation)
    v = judge(evaluation)
    lines = [f"# {plain(evaluation.title)}", "", f"**{v.status.capitalize()}.** {v.headline}", ""]
    lines += [f"- {plain(s)}" for s in (*v.clean, *(f.text for f in v.findings), *v.remarks)]
    lines += ["", "Figures in per cent, with 95 % bootstrap intervals.", ""]
    lines += markdown_table(
        [title for title, _ in COLUMNS.values()],
        [
            [f"{c.main} ({c.small})" if c.small else c.main for c in table_row(row).values()]
            for row in evaluation.rows
        ],
    )
    lines += ["", *(f"- **{title}**: {text}." for title, text in COLUMNS.values()), ""]
    if evaluation.threshold is not None:
        heads = ["At the threshold", "Defects found", "of", "False alarms", "on good parts"]
        lines += [*markdown_table(heads, [list(map(str, r)) for r in _alarms(evaluation)]), ""]
    if evaluation.notes:
        lines += ["## Not covered", "", *(f"- {plain(note)}" for note in evaluation.notes), ""]
    lines += ["## Provenance", ""]
    lines += markdown_table(["What", "Value"], [list(p) for p in evaluation.provenance.items()])
    return write_atomically(path, "\n".join([*lines, "", RULE, ""]))


def write_json(evaluation: Evaluation, path: str | Path) -> Path:
    """Write ``evaluation.to_json()``: all but the pictures; errors as ``write_html``."""
    check_finite(evaluation)
    text = json.dumps(evaluation.to_json(), allow_nan=False, default=float, ensure_ascii=False)
    return write_atomically(path, text + "\n")
