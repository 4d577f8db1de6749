"""What is said of the certificate of a detector."""

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from hardsight.certify import NOT_A_CERTIFICATE, Decision, linf_radius
from hardsight.evaluation.certified.results import Certification, PixelItem, Point
from hardsight.evaluation.verdict import HOLDS, WEAKENED
from hardsight.evaluation.wording import change
from hardsight.reports import certificate_plots as plots
from hardsight.reports.certified_words import Finding, attack_row, confidence, promised
from hardsight.reports.pictures import embedded, photo
from hardsight.reports.tables import Cell

COLUMNS = {
    "design": (
        "Design",
        "plain: the detector with its own noise; single: one draw of it; denoise: one noise only",
    ),
    "radius": ("L2 radius", "of the perturbation, pixels from 0 to 1; below it as L-inf"),
    "auroc": ("AUROC", "no perturbation brings it lower; each image's bound by itself"),
    "joint": ("all together", "the same, with one confidence for all images (Bonferroni)"),
    "tpr": ("TPR", "certified, at the certified false-positive rate named below; all together"),
    "f1": ("F1", "lowest at the threshold; all together below it"),
    "mean": ("by the mean", NOT_A_CERTIFICATE),
    "published": (
        "Published",
        "FreeRAD, Table 6, by the mean; and what is by the mean here minus it",
    ),
    "needed": ("n needed", "noisy copies without which nothing is bounded; all together below it"),
}
"""Key -> (header, what it means), in the order shown."""
DECISIONS = {
    Decision.NORMAL: "certainly normal",
    Decision.UNDECIDED: "abstains",
    Decision.ANOMALOUS: "certainly anomalous",
}


def name(found: Certification) -> str:
    """Return how the detector was smoothed."""
    return f"Smoothed with noise of sigma {found.terms.sigma:g}, design {found.design}"


def cells(found: Certification, p: Point) -> dict[str, Cell]:
    """Return a point's cells by the keys of ``COLUMNS``."""
    gap = None if p.published is None or p.auroc_mean is None else p.auroc_mean - p.published
    short = found.terms.n
    needed, together = (
        f"{v:,.0f}" if math.isfinite(v) and v > short else "" for v in (p.needed, p.needed_joint)
    )
    return {
        "design": Cell(found.design, f"sigma {found.terms.sigma:g}"),
        "radius": Cell(f"{p.radius:g}", f"L-inf {255 * p.linf:.2g}/255"),
        "auroc": Cell(promised(p.auroc, "AUROC")),
        "joint": Cell(promised(p.auroc_joint, "AUROC")),
        "tpr": Cell(
            promised(p.tpr, "TPR"), promised(p.tpr_joint, "TPR") if p.tpr_joint is not None else ""
        ),
        "f1": Cell(
            promised(p.f1, "F1"), promised(p.f1_joint, "F1") if p.f1_joint is not None else ""
        ),
        "mean": Cell(promised(p.auroc_mean, "AUROC")),
        "published": Cell(
            promised(p.published, "AUROC"), "" if gap is None else change(gap, "AUROC")
        ),
        "needed": Cell(needed or "-", together),
    }


def findings(found: Certification) -> list[Finding]:
    """Return what the joint certificate says, radius by radius."""
    said = []
    sure = confidence(found.terms.alpha)
    for p in found.rows:
        where = f"Within an L2 radius of {p.radius:g}" if p.radius else "Left alone"
        if p.auroc_joint is None:
            certain = found.settlings[0].certain
            said.append(
                Finding(
                    "open",
                    f"{where}: the decisions of {certain} of {len(found.labels)} images are "
                    f"certain, each with confidence {sure}.",
                )
            )
            continue
        v = p.auroc_joint
        tone = "holds" if v >= HOLDS else "weakened" if v >= WEAKENED else "broken"
        if v == 0 and p.needed_joint > found.terms.n:
            many = f"{p.needed_joint:,.0f}" if math.isfinite(p.needed_joint) else "too many"
            said.append(
                Finding("open", f"{where}: nothing; it takes {many} noisy copies an image.")
            )
        else:
            said.append(
                Finding(
                    tone,
                    f"{where}: the smoothed detector has an AUROC of at least "
                    f"{promised(v, 'AUROC')}, with confidence {sure}.",
                )
            )
    return said


def limits(found: Certification) -> list[str]:
    """Return what a certificate does not say, in sentences."""
    t = found.terms
    values = int(found.rows[-1].radius ** 2 / found.rows[-1].linf ** 2 + 0.5) if t.radii[-1] else 0
    said = [
        f"It speaks of the smoothed detector: the {'median' if t.quantile == 0.5 else 'quantile'} "
        f"of scores under noise of standard deviation {t.sigma:g}, not of the detector that sees "
        "an image once, without it.",
        "It speaks of the L2 norm: a scratch or a sticker is far outside any of these radii.",
    ]
    if values:
        widest = t.radii[-1]
        said.append(
            f"Of L-inf it says little: a radius of {widest:g} covers a change of all pixels "
            f"by {255 * linf_radius(widest, values):.2g} of 255 grey levels, and 8/255 would take "
            f"a radius of {8 / 255 * math.sqrt(values):.3g}."
        )
    said += [
        f"Each radius has its own confidence of {confidence(t.alpha)}; they do not hold all "
        "at once, and none may be picked because it came out well.",
        f"The mean is shown for comparison: {NOT_A_CERTIFICATE}.",
        "It is about the test images at hand; how other images fare is for statistics to say.",
        "Noise and scores are single-precision numbers from a pseudo-random generator, not real "
        "numbers from a true Gaussian.",
    ]
    return [*found.notes, *said]


def remarks(found: Certification) -> list[str]:
    """Return what else was measured, in sentences."""
    t = found.terms
    said = []
    if found.clean is not None:
        median, mean = (promised(v, "AUROC") for v in (found.clean, found.clean_mean))
        said.append(
            f"Left alone, the smoothed detector has an AUROC of {median} by the median ({mean} by "
            "the mean)."
        )
    abstained = int((found.decisions == Decision.UNDECIDED).sum())
    said.append(
        f"At the threshold {found.threshold:.4g} it decides on {len(found.labels) - abstained} of "
        f"{len(found.labels)} images and abstains on {abstained}. {found.statement}"
    )
    for s in found.settlings:
        whole = s.samples + s.saved
        verb = "saved" if not found.curve else "would save"
        said.append(
            f"Early stopping {verb} {100 * s.saved / whole:.0f} % of the noisy copies at radius "
            f"{s.radius:g}."
        )
    said.append(
        f"{found.terms.n:,} noisy copies an image, {found.seconds_per_image:.3g} s an image; "
        f"alpha = {t.alpha:g}."
    )
    return said


def attack_rows(found: Sequence[Certification]) -> list[list[str]]:
    """Return a line for each attack of a smoothed score."""
    return [
        attack_row(f"{a.name} on {c.design}", a.auroc, a, "AUROC") for c in found for a in c.attacks
    ]


def shown(item: PixelItem) -> dict[str, Any]:
    """Return what the template shows of an image."""
    pictures = [("input", photo(item.image))]
    for r, decisions in item.pixels.items():
        pictures.append((f"radius {r:g}", plots.pixel_picture(item, decisions)))
    wrong = item.decision == (Decision.NORMAL if item.anomalous else Decision.ANOMALOUS)
    text = DECISIONS[Decision(item.decision)]
    if math.isfinite(item.radius):
        text += f" within {item.radius:.3g}"
    tone = "open" if item.decision == Decision.UNDECIDED else "broken" if wrong else "holds"
    return {
        "item": item,
        "pictures": [(caption, embedded(jpeg)) for caption, jpeg in pictures],
        "small": max(item.image.shape[-2:]) < 128,
        "outcome": text,
        "tone": tone,
    }


def figures(found: Sequence[Certification]) -> list[tuple[str, Markup, str]]:
    """Return (title, SVG, caption) of the plots that there are numbers for."""
    drawn = []
    if any(c.curve for c in found):
        caption = (
            "What no perturbation within the radius can undercut, down to nothing where there are "
            "too few noisy copies. Solid: each image's bound by itself. Dashed: all together. "
            "Dotted: by the mean, not a certificate. Attacks must stay above the solid line."
        )
        drawn.append(("Certified AUROC", Markup(plots.curve_svg(found)), caption))
    for c in found:
        caption = f"{c.design}: how far the decision of each test image is certain."
        drawn.append(("Certain decisions", Markup(plots.radius_svg(c)), caption))
    return drawn
