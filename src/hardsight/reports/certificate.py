"""The report of a certification, of a detector's designs or of a classifier."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from hardsight.certify import Decision
from hardsight.evaluation.certified.results import Certification, ClassCertification
from hardsight.reports import certified_classes, certified_scores
from hardsight.reports.certificate_plots import COLOURS
from hardsight.reports.certified_words import TONES, Finding, confidence
from hardsight.reports.page import bullets, markdown_table, plain, provenance_lines, render
from hardsight.reports.tables import Cell, joined

Certificate = Certification | ClassCertification
Certificates = Certificate | Sequence[Certificate]


class Reading(NamedTuple):
    """What is said of one certificate."""

    name: str
    """What was smoothed, and how."""
    findings: list[Finding]
    remarks: list[str]
    limits: list[str]
    """What it does not say."""
    rows: list[dict[str, Cell]]
    """By the keys of the table's columns."""


class Table(NamedTuple):
    """What stands above the rows."""

    columns: dict[str, tuple[str, str]]
    """Key -> (header, what it means)."""
    figure: str
    """The key of the figure that counts."""
    note: str
    attacked: str
    """The measure of what attacks leave."""

    @property
    def attack_heads(self) -> list[str]:
        """The headers of the table of attacks."""
        return ["Attack", "L2 radius", f"{self.attacked} attacked", "Certified", "Images", "Broken"]


def _several(found: Certificates) -> list[Certificate]:
    """Return certificates as a list.

    Raises:
        ValueError: there are none.
    """
    made = list(found) if isinstance(found, Sequence) else [found]
    if not made:
        raise ValueError("found must hold at least one certificate")
    return made


def read(found: Certificate) -> Reading:
    """Return what is said of a certificate."""
    words = certified_scores if isinstance(found, Certification) else certified_classes
    return Reading(
        words.name(found),
        words.findings(found),
        words.remarks(found),
        words.limits(found),
        [words.cells(found, p) for p in found.rows],
    )


def table(found: Certificate) -> Table:
    """Return what stands above the rows of a kind of certificate."""
    note = "What no perturbation within the radius can undercut."
    if isinstance(found, Certification):
        at = f" TPR at {100 * found.terms.fpr:g} % certified false positives."
        return Table(certified_scores.COLUMNS, "joint", note + at, "AUROC")
    return Table(certified_classes.COLUMNS, "accuracy", note, "Accuracy")


def _figures(found: list[Certificate]) -> list[tuple[str, Markup, str]]:
    drawn = certified_scores.figures([c for c in found if isinstance(c, Certification)])
    classes = (c for c in found if isinstance(c, ClassCertification))
    return [*drawn, *(figure for c in classes for figure in certified_classes.figures(c))]


def attacks(found: Sequence[Certificate]) -> list[list[str]]:
    """Return the cells of what attacks of smoothed models left, see ``Table.attack_heads``."""
    scores = certified_scores.attack_rows([c for c in found if isinstance(c, Certification)])
    votes = [c for c in found if isinstance(c, ClassCertification)]
    return scores + certified_classes.attack_rows(votes)


def limits(readings: Sequence[Reading]) -> list[str]:
    """Return what certificates do not say; what is not of all of them with the name of its own."""
    told = []
    for sentence in dict.fromkeys(s for reading in readings for s in reading.limits):
        own = [reading.name for reading in readings if sentence in reading.limits]
        told.append(sentence if len(own) == len(readings) else f"{'; '.join(own)}: {sentence}")
    return told


def provenance(made: Sequence[Certificate], readings: Sequence[Reading]) -> dict[str, str]:
    """Return what certificates owe to; what differs, of each with its name."""
    told = {}
    for key in dict.fromkeys(key for c in made for key in c.provenance):
        values = [c.provenance.get(key, "-") for c in made]
        if len(set(values)) == 1:
            told[key] = values[0]
        else:
            names = (f"{key} ({reading.name})" for reading in readings)
            told |= dict(zip(names, values, strict=True))
    return told


def html(found: Certificates) -> str:
    """Return one or more certificates of one model on one data set as one page."""
    made = _several(found)
    readings = [read(c) for c in made]
    return render(
        "certificate.html.j2",
        title=made[0].title,
        readings=readings,
        tones=TONES,
        confidence=confidence,
        table=table(made[0]),
        figures=_figures(made),
        attacks=attacks(made),
        gallery=[
            (c, [certified_scores.shown(i) for i in c.gallery])
            for c in made
            if isinstance(c, Certification) and c.gallery
        ],
        colours=[
            (certified_scores.DECISIONS[Decision(d)], "rgb({:.0f}, {:.0f}, {:.0f})".format(*rgb))
            for d, rgb in ((d, [255 * v for v in rgb]) for d, rgb in COLOURS.items())
        ],
        limits=limits(readings),
        provenance=provenance(made, readings),
    )


def markdown(found: Certificates) -> list[str]:
    """Return findings, table, limits and provenance as lines of Markdown."""
    made = _several(found)
    readings, shape = [read(c) for c in made], table(made[0])
    lines = [f"# Certificate: {plain(made[0].title)}", ""]
    for reading in readings:
        lines += [f"## {plain(reading.name)}", "", *bullets(f.text for f in reading.findings), ""]
        lines += [*map(plain, reading.remarks), ""]
    cells = [[joined(c) for c in row.values()] for r in readings for row in r.rows]
    heads = shape.columns.values()
    lines += [shape.note, "", *markdown_table([h for h, _ in heads], cells), ""]
    lines += [f"- **{title}**: {meaning}." for title, meaning in heads]
    if attacked := attacks(made):
        lines += ["", *markdown_table(shape.attack_heads, attacked)]
    lines += ["", "## What this does not say", "", *bullets(limits(readings)), ""]
    return [*lines, *provenance_lines(provenance(made, readings))]


def values(found: Certificates) -> Any:
    """Return all numbers; what is not finite is None."""
    made = _several(found)
    if len(made) == 1 and isinstance(made[0], ClassCertification):
        return made[0].to_json()
    return {"certificates": [c.to_json() for c in made]}
