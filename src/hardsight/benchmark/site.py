"""The leaderboard as static pages, which need no server and no network."""

import csv
import io
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from hardsight.attacks import parse_radius
from hardsight.benchmark.attachments import Pictures, pictures_of, report_of
from hardsight.benchmark.board import NOT_AUDITED, Line, lines
from hardsight.benchmark.clean import CleanLine, clean_lines
from hardsight.benchmark.entry import REPORT, Entry, entries
from hardsight.benchmark.job import slug
from hardsight.benchmark.standings import Standing, standings
from hardsight.benchmark.tables import provenance, same_in_every_row, small_tables
from hardsight.core.files import write_atomically
from hardsight.core.spreadsheet import cell
from hardsight.evaluation.results import HELD_OUT, Curve, Estimate
from hardsight.evaluation.wording import threat_name
from hardsight.reports.page import render
from hardsight.reports.plots import curve_svg

TEMPLATES = Path(__file__).with_name("templates")
METHOD_HEADS = (
    "Data", "Threat", "Clean", "Attack", "Robust", "Mean", "Worst", "Fixed", "Published",
    "Held-out normals", "Pixel / object alone", "Audit", "Attack, s / image",
)  # fmt: skip
"""Columns of a method's measurements."""
NORMS = {"Linf": "eps", "L2": "L2 eps"}
"""Threat models of which a curve is drawn, and what its axis is."""


def write_site(results: str | Path, site: str | Path) -> Path:
    """Write the pages of all entries below a folder, and return the first.

    ``index.html``, ``methods/<method>.html``, ``reports/`` with the reports of the entries,
    ``board.json`` and ``board.csv``; ``clean.json`` and ``clean.csv`` of entries without a threat.

    Raises:
        ValueError: there are no entries, two of one id or of one page, none but certificates and
            corruptions, or what lies beside one is no report and no pictures.
    """
    found = entries(results)
    board, clean = lines(found.values()), clean_lines(found.values())
    if not board and not clean:
        raise ValueError(
            f"{results} holds no attacked entry and none without a threat, so there is nothing to "
            "rank"
        )
    paths, script = _paths(found), (TEMPLATES / "board.js").read_text(encoding="utf-8")
    _demand_own_pages(found.values())
    site = Path(site)
    _write_values(site / "board", board)
    _write_values(site / "clean", clean)
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
        script=script,
        script_hash=f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}",
        count=len(board),
        unaudited=sum(line.audit == NOT_AUDITED for line in board),
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


def _demand_own_pages(found: Iterable[Entry]) -> None:
    """Refuse a method whose page would take the place of another's.

    Raises:
        ValueError: there is one.
    """
    pages: dict[str, str] = {}
    for method in dict.fromkeys(entry.method for entry in found):
        page = slug(method).casefold()
        if first := pages.get(page):
            raise ValueError(
                f"the methods {first!r} and {method!r} would have one page, {slug(method)}.html; "
                "rename one of them"
            )
        pages[page] = method


def _write_values(path: Path, board: Sequence[Line] | Sequence[CleanLine]) -> None:
    """Write lines as JSON and as a table, beside each other; nothing without lines."""
    values = [line.values() for line in board]
    if values:
        text = json.dumps(values, indent=1, allow_nan=False)
        write_atomically(path.with_suffix(".json"), text + "\n")
        write_atomically(path.with_suffix(".csv"), as_csv(values))


def as_csv(values: Sequence[Mapping[str, Any]]) -> str:
    """Return lines as a table with a header, in which no text is a formula."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(values[0]), lineterminator="\n")
    table.writeheader()
    table.writerows({name: cell(value) for name, value in line.items()} for line in values)
    return text.getvalue()


def _filters(ranked: Sequence[Standing]) -> dict[str, dict[str, str]]:
    """Return what can be chosen among: label -> value of a row -> what is shown."""
    entries = [standing.first.entry for standing in ranked]
    noise = {"random" if entry.random else "deterministic" for entry in entries}
    return {
        "data": {name: name for name in sorted({standing.first.data for standing in ranked})},
        "threat": dict(sorted({(entry.threat.name, entry.threat.title) for entry in entries})),
        "audit": {name: name for name in sorted({standing.audit for standing in ranked})},
        "noise": {name: name for name in sorted(noise)},
    }


def _method_page(
    mine: Sequence[Line],
    own: Sequence[Entry],
    reports: Mapping[str, str],
    pictures: tuple[str, Pictures] | None,
) -> str:
    """Return the page of a method."""
    same = _same(mine, reports)
    return render(
        TEMPLATES / "method.html.j2",
        heads=[head for head in _heads(mine) if head not in same],
        same=same,
        told=same_in_every_row([said for said in same.values() if said != NOT_AUDITED]),
        method=mine[0].entry,
        lines=mine,
        tables=small_tables(own),
        curves=list(_curves(mine)),
        reports=reports,
        pictures=pictures,
        why=_why(mine),
        provenance=provenance(mine),
    )


def _heads(mine: Sequence[Line]) -> list[str]:
    """Return the columns of a method's measurements, without those that are empty."""
    random = any(line.attacked.worst or line.attacked.fixed for line in mine)
    found: dict[str, list[object]] = {
        "Robust": [not random],
        "Mean": [random],
        "Worst": [line.attacked.worst for line in mine],
        "Fixed": [line.attacked.fixed for line in mine],
        "Published": [line.compared for line in mine],
        "Held-out normals": [line.row(HELD_OUT, "image") for line in mine],
        "Pixel / object alone": [line.row("AUROC", "pixel") for line in mine],
    }
    return [name for name in METHOD_HEADS if any(found.get(name, [True]))]


def _same(mine: Sequence[Line], reports: Mapping[str, str]) -> dict[str, str]:
    """Return what several measurements have in common: column, or part of one -> in words."""
    each = {
        "Data set": [line.data for line in mine],
        "Seed": [f"seed {line.entry.seed}" for line in mine],
        "Threat": [line.entry.threat.title for line in mine],
        "Attack": [f"attack {line.attacked.attack} ({line.spent})" for line in mine],
        "Audit": [line.audit for line in mine],
    }
    found = {head: said[0] for head, said in each.items() if len(mine) > 1 and len({*said}) == 1}
    if reports:  # which the attacks link to
        found.pop("Attack", None)
    if found.get("Audit") != NOT_AUDITED:
        found.pop("Audit", None)  # a verdict stands beside its figure
    return found


def _why(mine: Sequence[Line]) -> list[str]:
    """Return why lines differ from what was published, and of which that is said, if not of all."""
    compared, found = [line for line in mine if line.why], []
    for sentence in dict.fromkeys(said for line in compared for said in line.why):
        names = dict.fromkeys(_named(line) for line in compared if sentence in line.why)
        of_all = all(sentence in line.why for line in compared)
        found.append(sentence if of_all else f"{sentence.rstrip('.')} ({', '.join(names)}).")
    return found


def _named(line: Line) -> str:
    return line.entry.data.category or line.entry.data.name


def _curves(mine: Sequence[Line]) -> list[tuple[str, str]]:
    """Return the curves against eps, one a norm with two radii: its title, and the picture."""
    found = []
    for norm, axis in NORMS.items():
        each: dict[str, dict[float, Estimate]] = {}
        for line in mine:
            entry = line.entry
            if entry.threat.norm == norm and entry.seed == mine[0].entry.seed:
                name = _named(line)
                points = each.setdefault(name, {0.0: line.clean})
                points[parse_radius(entry.threat.eps)] = line.robust
        drawn = {
            name: tuple(sorted(points.items())) for name, points in each.items() if len(points) > 2
        }
        if drawn:
            title = f"Under {threat_name(norm)}"
            curve = Curve(title, axis, drawn)
            found.append((title, curve_svg(curve, mine[0].attacked.metric)))
    return found


def _reports(
    mine: Sequence[Line] | Sequence[CleanLine], paths: Mapping[str, Path], site: Path
) -> dict[str, str]:
    """Write the reports of lines, sanitised: entry's id -> address from the first page."""
    found = {}
    for line in mine:
        name = line.entry.id
        if report := report_of(paths[name]):
            found[name] = f"reports/{line.anchor}{REPORT}"
            page = render(TEMPLATES / "report.html.j2", name=name, report=report)
            write_atomically(site / found[name], page)
    return found


def _pictures(mine: Sequence[Line], paths: Mapping[str, Path]) -> tuple[str, Pictures] | None:
    """Return the name of the first line that has pictures, and these; None: none has."""
    each = ((line.entry.id, pictures_of(paths[line.entry.id])) for line in mine)
    return next(((name, found) for name, found in each if found and found.images), None)
