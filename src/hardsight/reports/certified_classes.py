"""What is said of the certificate of a classifier."""

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from hardsight.certify import largest_radius
from hardsight.evaluation.certified.results import AccuracyPoint, ClassCertification
from hardsight.evaluation.wording import span
from hardsight.metrics import accuracy_interval
from hardsight.reports.canvas import INK, MARKERS, SERIES, add_legend, as_svg, label_axes, panels
from hardsight.reports.certified_words import Finding, attack_row, confidence, promised
from hardsight.reports.tables import Cell

MEASURE = "accuracy"
COLUMNS = {
    "radius": ("L2 radius", "of the perturbation, pixels from 0 to 1"),
    "linf": ("L-inf", "the largest change of every value that this radius covers"),
    "accuracy": (
        "Certified accuracy",
        "share of the images that keep their true class whatever happens within the radius",
    ),
    "interval": ("95 % interval", "over images: what another draw of test images would give"),
}
"""Key -> (header, what it means), in the order shown."""


def headline(found: ClassCertification) -> str:
    """Return the result in one sentence."""
    last = found.rows[-1]
    alone = f"{promised(found.accuracy(0.0), MEASURE)} are certainly right when left alone"
    if last.radius == 0:
        return f"{alone}."
    return f"{alone}, {promised(last.accuracy, MEASURE)} within an L2 radius of {last.radius:g}."


def name(found: ClassCertification) -> str:
    """Return how the classifier was smoothed."""
    return f"Majority vote under noise of sigma {found.terms.sigma:g}"


def findings(found: ClassCertification) -> list[Finding]:
    """Return the result and what contradicts it.

    No word is put on it, for how much is enough depends on the classes.
    """
    return [Finding("", headline(found)), *(Finding("", w) for w in warnings(found))]


def warnings(found: ClassCertification) -> list[str]:
    """Return where a certified accuracy is above an empirical one, which a true one never is."""
    return [
        f"Warning: within an L2 radius of {a.radius:g}, {promised(a.certified, MEASURE)} are "
        f"certified and {a.name} leaves {promised(a.accuracy, MEASURE)}; {a.broken} of {a.images} "
        "images certainly lost a vote that was certified. "
        + (
            "The certificate is false: look for a model that is another when certified."
            if a.broken
            else "Chance of the votes: let more copies vote."
        )
        for a in found.attacks
        if a.certified > a.accuracy or a.broken
    ]


def attack_rows(found: Sequence[ClassCertification]) -> list[list[str]]:
    """Return a line for each attack of a smoothed classifier."""
    return [attack_row(a.name, a.accuracy, a, MEASURE) for c in found for a in c.attacks]


def cells(found: ClassCertification, p: AccuracyPoint) -> dict[str, Cell]:
    """Return a point's cells by the keys of ``COLUMNS``."""
    sure = (found.predicted == found.labels) & (found.radii >= p.radius)
    _, low, high = accuracy_interval(sure, np.ones(len(sure), np.bool_))
    return {
        "radius": Cell(f"{p.radius:g}"),
        "linf": Cell(f"{255 * p.linf:.2g}/255"),
        "accuracy": Cell(promised(p.accuracy, MEASURE)),
        "interval": Cell(span(low, high, MEASURE)),
    }


def remarks(found: ClassCertification) -> list[str]:
    """Return what else was measured, in sentences."""
    t = found.terms
    largest = largest_radius(t.n, t.sigma, t.alpha)
    count = "all statements together" if found.joint else "each image's statement by itself"
    abstained = round(found.abstained * len(found.labels))
    return [
        f"Confidence {confidence(t.alpha)}, {count}. {len(found.labels)} images; {abstained} got "
        "no class, as none certainly wins the vote.",
        f"{t.n:,} noisy copies of sigma {t.sigma:g} judge an image"
        + (
            ": too few to certify anything; raise n."
            if math.isnan(largest)
            else f"; however they vote, no radius beyond {largest:.3g} can be certified."
        ),
        f"{found.seconds_per_image:.3g} s an image.",
    ]


def limits(found: ClassCertification) -> list[str]:
    """Return what the certificate does not say, in sentences."""
    wide = 8 / 255 * math.sqrt(found.values)
    return [
        *found.notes,
        "It speaks of the smoothed classifier: the majority over copies with noise of standard "
        f"deviation {found.terms.sigma:g}, not of the one that sees an image once, without it.",
        "It speaks of the L2 norm: a sticker is far outside any of these radii, and L-inf "
        f"8/255 would take a radius of {wide:.3g}.",
        "It is about the test images at hand; the interval says how others may fare.",
        "Noise and votes are single-precision numbers from a pseudo-random generator, not real "
        "numbers from a true Gaussian.",
    ]


def accuracy_svg(found: ClassCertification) -> str:
    """Plot certified accuracy against the radius, what is certain, and what attacks leave."""
    figure, (ax,) = panels(5.2, 4.1)
    known = found.radii[np.isfinite(found.radii)]
    end = max(float(known.max(initial=0.0)), found.terms.radii[-1]) or 1.0
    radii = np.linspace(0, 1.02 * end, 256)
    right = [100 * found.accuracy(r) for r in radii]
    sure = [100 * float((found.radii >= r).mean()) for r in radii]
    ax.step(radii, right, color=SERIES[0], linewidth=2.2, label="right")
    ax.step(radii, sure, "--", color=INK, linewidth=1.4, alpha=0.6, label="right or wrong")
    for k, attack in enumerate(dict.fromkeys(a.name for a in found.attacks)):
        points = sorted((a.radius, 100 * a.accuracy) for a in found.attacks if a.name == attack)
        style = {"marker": MARKERS[k % len(MARKERS)], "fillstyle": "none", "linestyle": ":"}
        colour = SERIES[(k + 1) % len(SERIES)]
        ax.plot(*zip(*points, strict=True), color=colour, label=f"under {attack}", **style)
    ax.set(ylim=(-2, 104))
    label_axes(ax, "L2 radius, pixels from 0 to 1", "images, certainly, in per cent")
    add_legend(ax)
    return as_svg(figure, "certified accuracy")


def figures(found: ClassCertification) -> list[tuple[str, Markup, str]]:
    """Return (title, SVG, caption) of the plot."""
    caption = (
        "Solid: the share of images whose true class no perturbation within the radius can change. "
        "Dashed: those with a certain class, right or wrong. It ends where the noisy copies are "
        "too few to certify more."
        + " Markers: what attacks of the smoothed classifier leave; they must lie above it."
        * bool(found.attacks)
    )
    return [("Certified accuracy", Markup(accuracy_svg(found)), caption)]
