"""The leaderboard as static pages, which need no server and no network."""

import csv
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hardsight.attacks import parse_radius
from hardsight.benchmark.board import Line, Standing, lines, standings
from hardsight.benchmark.clean import CleanLine, clean_lines
from hardsight.benchmark.entry import PICTURES, REPORT, Entry, beside, entries
from hardsight.benchmark.tables import small_tables
from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_object
from hardsight.evaluation.results import Curve, Estimate
from hardsight.reports.page import render
from hardsight.reports.plots import curve_svg

TEMPLATES = Path(__file__).with_name("templates")
NORMS = {"Linf": ("Under L-inf", "eps"), "L2": ("Under L2", "L2 eps")}
"""Threat models of which a curve is drawn: its title, and what its axis is."""


def write_site(results: str | Path, site: str | Path) -> Path:
    """Write the pages of all entries below a folder, and return the first.

    ``index.html``, ``methods/<method>.html``, ``reports/`` with the reports of the entries,
    ``board.json`` and ``board.csv``; ``clean.json`` and ``clean.csv`` of entries without a threat.

    Raises:
        ValueError: there are no entries, two of one id, or none but certificates and corruptions.
    """
    found = entries(results)
    board, clean = lines(found.values()), clean_lines(found.values())
    if not board and not clean:
        raise ValueError(
            f"{results} holds no attacked entry and none without a threat, so there is nothing to "
            "rank"
        )
    site = Path(site)
    _write_values(site / "board", board)
    _write_values(site / "clean", clean)
    paths = _paths(found)
    for method in dict.fromkeys(line.entry.method for line in board):
        mine = [line for line in board if line.entry.method == method]
        own = [entry for entry in found.values() if entry.method == method]
        page = _method_page(mine, own, _reports(mine, paths, site), _pictures(mine, paths))
        write_atomically(site / mine[0].page, page)
    ranked = standings(board)
    index = render(
        TEMPLATES / "board.html.j2",
        standings=ranked,
        filters=_filters(ranked),
        script=(TEMPLATES / "board.js").read_text(encoding="utf-8"),
        count=len(board),
        clean=clean,
        reports=_reports(clean, paths, site),
        why=dict.fromkeys(sentence for line in clean for sentence in line.why),
    )
    return write_atomically(site / "index.html", index)


def _paths(found: Mapping[Path, Entry]) -> dict[str, Path]:
    """Return entry's id -> path.

    Raises:
        ValueError: two entries of one id, which would be averaged as if they were two seeds.
    """
    paths: dict[str, Path] = {}
    for path, entry in found.items():
        if first := paths.get(entry.id):
            raise ValueError(f"{first} and {path} are both {entry.id}; keep one of them")
        paths[entry.id] = path
    return paths


def _write_values(path: Path, board: Sequence[Line] | Sequence[CleanLine]) -> None:
    """Write lines as JSON and as a table, beside each other; nothing without lines."""
    values = [line.values() for line in board]
    if values:
        text = json.dumps(values, indent=1, allow_nan=False)
        write_atomically(path.with_suffix(".json"), text + "\n")
        write_atomically(path.with_suffix(".csv"), as_csv(values))


def as_csv(values: Sequence[Mapping[str, Any]]) -> str:
    """Return lines as a table with a header."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(values[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(values)
    return text.getvalue()


def _filters(ranked: Sequence[Standing]) -> dict[str, list[str]]:
    """Return what can be chosen among: label -> values."""
    entries = [standing.first.entry for standing in ranked]
    return {
        "data": sorted({standing.first.data for standing in ranked}),
        "threat": sorted({entry.threat.name for entry in entries}),
        "audit": sorted({standing.audit for standing in ranked}),
        "noise": sorted({"random" if entry.random else "deterministic" for entry in entries}),
    }


def _method_page(
    mine: Sequence[Line],
    own: Sequence[Entry],
    reports: Mapping[str, str],
    pictures: Mapping[str, Any],
) -> str:
    """Return the page of a method."""
    return render(
        TEMPLATES / "method.html.j2",
        method=mine[0].entry,
        lines=mine,
        tables=small_tables(own),
        curves=list(_curves(mine)),
        reports=reports,
        pictures=pictures,
        why=dict.fromkeys(sentence for line in mine for sentence in line.why),
    )


def _curves(mine: Sequence[Line]) -> list[tuple[str, str]]:
    """Return the curves against eps, one a norm with two radii: its title, and the picture."""
    found = []
    for norm, (title, axis) in NORMS.items():
        each: dict[str, dict[float, Estimate]] = {}
        for line in mine:
            entry = line.entry
            if entry.threat.norm == norm and entry.seed == mine[0].entry.seed:
                name = entry.data.category or entry.data.name
                points = each.setdefault(name, {0.0: line.clean})
                points[parse_radius(entry.threat.eps)] = line.robust
        drawn = {
            name: tuple(sorted(points.items())) for name, points in each.items() if len(points) > 2
        }
        if drawn:
            curve = Curve(title, axis, drawn)
            found.append((title, curve_svg(curve, mine[0].attacked.metric)))
    return found


def _reports(
    mine: Sequence[Line] | Sequence[CleanLine], paths: Mapping[str, Path], site: Path
) -> dict[str, str]:
    """Copy the reports of lines into the site: entry's id -> address from the first page."""
    found = {}
    for line in mine:
        source = beside(paths[line.entry.id], REPORT)
        if source.is_file():
            target = site / "reports" / f"{line.anchor}{REPORT}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            found[line.entry.id] = f"reports/{target.name}"
    return found


def _pictures(mine: Sequence[Line], paths: Mapping[str, Path]) -> dict[str, Any]:
    """Return the pictures of the first line that has some, and its name; empty: none has."""
    for line in mine:
        path = beside(paths[line.entry.id], PICTURES)
        if path.is_file():
            found = read_object(path, "remove it, or measure again")
            if found["images"]:
                return {**found, "of": line.entry.id}
    return {}
