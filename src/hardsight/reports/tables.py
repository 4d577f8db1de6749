"""Rows as the cells of a table, for every kind of subject."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from hardsight.evaluation.results import Estimate, Evaluation, Row
from hardsight.evaluation.subjects.subject import Kind
from hardsight.evaluation.wording import change, figure, radius, span, tags

COLUMNS = {
    "attack": ("Attack", "how the perturbation was searched for; clean: none"),
    "flags": ("Flags", "reasons not to trust the row as it is"),
    "target": ("Aimed at", "what the attacker tried to change: the image score or the heat map"),
    "ball": (
        "Perturbation",
        "the largest change allowed: L-inf to any pixel, L2 to all together, of other threats the "
        "severity",
    ),
    "metric": (
        "Metric",
        "AUROC: share of (defect, good) pairs in the right order; held-out: of defects and the "
        "good parts that the threshold was set on, not those of the test set; object alone: of a "
        "map that marks the whole object and knows no defect",
    ),
    "mean": (
        "Mean",
        "of scores averaged over fresh noise draws that the attack never saw; a detector without "
        "noise has one score",
    ),
    "single": ("Single", "one noise draw only; the interval is over draws and images"),
    "worst": ("Worst", "of the fresh draws, each image's worst for the defender"),
    "fixed": (
        "Fixed",
        "the noise never changes and the attacker knows it: the worst of all his attempts",
    ),
    "published": ("Published", "the paper's figure, and measured minus published"),
    "images": ("Images", "how many test images the figure is of"),
    "budget": ("Budget", "what the attacker could spend on an image; draws scored afterwards"),
    "seconds": (
        "s / image",
        "seconds for an image on the device named below: of the attack, or of one clean score",
    ),
}
"""Key -> (header, what it means in one sentence), in the order shown."""
_OF_CLASSES = {
    "mean": ("Mean", "the class of the logits averaged over fresh draws no attack ever saw"),
    "worst": ("Worst", "images right in every one of the fresh draws: a resubmission fools it"),
}
_DETECTORS_ALONE = ("target", "metric")


def columns(kind: Kind) -> dict[str, tuple[str, str]]:
    """Return those of ``COLUMNS`` that a kind of subject has, in its words."""
    if kind == "detector":
        return COLUMNS
    return {k: _OF_CLASSES.get(k, v) for k, v in COLUMNS.items() if k not in _DETECTORS_ALONE}


class Cell(NamedTuple):
    """A figure and what stands small beneath it."""

    main: str
    small: str = ""


def filled(keys: Iterable[str], rows: Iterable[Mapping[str, Cell]]) -> list[str]:
    """Return the keys of those columns in which a row has anything."""
    told = list(rows)
    return [key for key in keys if any(row[key].main != "-" for row in told)]


def table_row(row: Row) -> dict[str, Cell]:
    """Return a row's cells by the keys of ``COLUMNS``; "-" where nothing was measured."""
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
        "mean": _cell(row.mean, row.metric),
        "single": _cell(row.single, row.metric),
        "worst": _cell(row.worst, row.metric),
        "fixed": _cell(row.fixed, row.metric),
        "published": _published(row),
        "images": Cell(str(row.images or "-")),
        "budget": Cell(b.attacks, used) if attacked else Cell("-"),
        "seconds": Cell(f"{row.seconds_per_image:.3g}" if row.seconds_per_image else "-"),
    }


def _cell(estimate: Estimate | None, measure: str) -> Cell:
    if estimate is None:
        return Cell("-")
    value, low, high = estimate
    return Cell(figure(value, measure), span(low, high, measure) if high > low else "")


def _published(row: Row) -> Cell:
    if row.published is None:
        return Cell("-")
    gap = change(row.mean.value - row.published, row.metric)
    shown = figure(row.published, row.metric)
    return Cell(shown, f"{gap}; {row.place}" if row.place else gap)


def joined(cell: Cell) -> str:
    """Return a cell as one text."""
    return f"{cell.main} ({cell.small})" if cell.small else cell.main


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
