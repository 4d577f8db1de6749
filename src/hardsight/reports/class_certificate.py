"""The report of a classifier's certification: one HTML file, a Markdown page, a JSON file."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from hardsight.certify import ABSTAIN, largest_radius
from hardsight.core.files import write_atomically
from hardsight.evaluation.accuracy.rows import share
from hardsight.evaluation.certified.classes import AccuracyPoint, ClassCertification
from hardsight.reports.canvas import INK, SERIES, add_legend, as_svg, label_axes, panels
from hardsight.reports.certificate import percent
from hardsight.reports.page import markdown_table, plain, render

COLUMNS = {
    "radius": ("L2 radius", "of the perturbation, pixels from 0 to 1"),
    "linf": ("L-infinity", "the largest change of every value that this radius covers"),
    "accuracy": (
        "Certified accuracy",
        "share of the images that keep their true class whatever happens within the radius",
    ),
    "interval": ("95 % interval", "over images: what another draw of test images would give"),
}
"""Key -> (header, what it means), in the order shown."""


@dataclass(frozen=True)
class ClassReport:
    """What was certified, and what a reader must know of it."""

    title: str
    found: ClassCertification
    classes: tuple[str, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    """What was not covered, besides what no such certificate covers."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary; None for the class and radius of an abstention."""
        f = self.found
        predicted = (None if p == ABSTAIN else self.classes[p] for p in f.predicted)
        return {
            "title": self.title,
            "terms": asdict(f.terms),
            "joint": f.joint,
            "rows": [p._asdict() for p in f.rows],
            "abstained": f.abstained,
            "complete": f.complete,
            "seconds_per_image": f.seconds_per_image,
            "images": [
                {
                    "index": int(i),
                    "class": self.classes[label],
                    "predicted": said,
                    "radius": None if math.isnan(r) else float(r),
                }
                for i, label, said, r in zip(f.index, f.labels, predicted, f.radii, strict=True)
            ],
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }


def headline(found: ClassCertification) -> str:
    """Return the result in one sentence."""
    last = found.rows[-1]
    alone = f"{percent(found.accuracy(0.0))} % are certainly right when left alone"
    if last.radius == 0:
        return f"{alone}."
    return f"{alone}, {percent(last.accuracy)} % within an L2 radius of {last.radius:g}."


def cells(found: ClassCertification, p: AccuracyPoint) -> dict[str, str]:
    """Return a point's cells by the keys of ``COLUMNS``."""
    own = share((found.predicted == found.labels) & (found.radii >= p.radius))
    return {
        "radius": f"{p.radius:g}",
        "linf": f"{255 * p.linf:.2g}/255",
        "accuracy": percent(p.accuracy),
        "interval": f"{100 * own.low:.1f} to {100 * own.high:.1f}",
    }


def remarks(found: ClassCertification) -> list[str]:
    """Return what else was measured, in sentences."""
    t = found.terms
    largest = largest_radius(t.n, t.sigma, t.alpha)
    confidence = f"{100 * (1 - t.alpha):.6g} %"
    count = "all statements together" if found.joint else "each image's statement by itself"
    abstained = round(found.abstained * len(found.labels))
    return [
        f"Confidence {confidence}, {count}. {len(found.labels)} images; {abstained} got no class, "
        "as none certainly wins the vote.",
        f"{t.n:,} noisy copies of sigma {t.sigma:g} judge an image"
        + (
            ": too few to certify anything; raise n."
            if math.isnan(largest)
            else f"; however they vote, no radius beyond {largest:.3g} can be certified."
        ),
        f"{found.seconds_per_image:.3g} s an image.",
    ]


def limits(report: ClassReport) -> list[str]:
    """Return what the certificate does not say, in sentences."""
    t = report.found.terms
    wide = 8 / 255 * math.sqrt(report.found.values)
    late = [] if report.found.complete else ["Time ran out: not all images were certified."]
    return [
        *late,
        *report.notes,
        "It speaks of the smoothed classifier: the majority over copies with noise of standard "
        f"deviation {t.sigma:g}, not of the one that sees an image once, without it.",
        "It speaks of the L2 norm: a sticker is far outside any of these radii, and L-infinity "
        f"8/255 would take a radius of {wide:.3g}.",
        "It is about the test images at hand; the interval says how others may fare.",
        "Noise and votes are single-precision numbers from a pseudo-random generator, not real "
        "numbers from a true Gaussian.",
    ]


def accuracy_svg(found: ClassCertification) -> str:
    """Certified accuracy against the radius, and all that is predicted with certainty."""
    figure, (ax,) = panels(5.2, 4.1)
    known = found.radii[np.isfinite(found.radii)]
    end = max(float(known.max(initial=0.0)), found.terms.radii[-1]) or 1.0
    radii = np.linspace(0, 1.02 * end, 256)
    right = [found.accuracy(r) for r in radii]
    sure = [float((found.radii >= r).mean()) for r in radii]
    ax.step(radii, right, color=SERIES[0], linewidth=2.2, label="right")
    ax.step(radii, sure, "--", color=INK, linewidth=1.4, alpha=0.6, label="right or wrong")
    ax.set(ylim=(-0.02, 1.04))
    label_axes(ax, "L2 radius, pixels from 0 to 1", "share of images, certainly")
    add_legend(ax, "outside upper center")
    return as_svg(figure, "certified accuracy")


def write_class_certificate_json(report: ClassReport, path: str | Path) -> Path:
    """Write every number as JSON."""
    return write_atomically(path, json.dumps(report.to_json(), allow_nan=False, indent=1) + "\n")


def write_class_certificate_markdown(report: ClassReport, path: str | Path) -> Path:
    """Write headline, table, limits and provenance as Markdown."""
    found = report.found
    lines = [f"# Certificate: {plain(report.title)}", "", plain(headline(found)), ""]
    lines += [*(f"- {plain(s)}" for s in remarks(found)), "", "In per cent.", ""]
    table = [list(cells(found, p).values()) for p in found.rows]
    lines += markdown_table([h for h, _ in COLUMNS.values()], table)
    lines += ["", *(f"- **{title}**: {meaning}." for title, meaning in COLUMNS.values())]
    lines += ["", "## What this does not say", "", *(f"- {plain(s)}" for s in limits(report))]
    lines += ["", "## Provenance", ""]
    lines += markdown_table(["What", "Value"], [list(p) for p in report.provenance.items()])
    return write_atomically(path, "\n".join([*lines, ""]))


def write_class_certificate_html(report: ClassReport, path: str | Path) -> Path:
    """Write the report as one HTML file that needs nothing else: no network, no other file.

    Raises:
        OSError: the folder cannot be written; what was at ``path`` is then untouched.
    """
    found = report.found
    text = render(
        "class_certificate.html.j2",
        title=report.title,
        headline=headline(found),
        remarks=remarks(found),
        columns=COLUMNS,
        rows=[cells(found, p) for p in found.rows],
        svg=Markup(accuracy_svg(found)),
        limits=limits(report),
        provenance=report.provenance,
    )
    return write_atomically(path, text)
