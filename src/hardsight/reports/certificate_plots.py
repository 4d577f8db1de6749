"""The figures of a certificate: curves against the radius, radii, and pixels in three colours."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from hardsight.certify import Decision
from hardsight.evaluation.certified.results import Certification, PixelItem
from hardsight.reports.canvas import (
    ANOMALOUS,
    INK,
    MARKERS,
    NORMAL,
    SERIES,
    add_legend,
    as_svg,
    label_axes,
    panels,
)
from hardsight.reports.pictures import photo

COLOURS = {
    Decision.NORMAL: (0.0, 0.45, 0.70),
    Decision.UNDECIDED: (0.82, 0.82, 0.82),
    Decision.ANOMALOUS: (0.84, 0.37, 0.0),
}
"""Decision -> RGB; dark, light and middle, for those who do not see colours."""


def curve_svg(certifications: Sequence[Certification]) -> str:
    """Plot certified AUROC against the radius, attacked and published figures beside it.

    Args:
        certifications: designs of one detector, at least one with a curve.
    """
    figure, (ax,) = panels(5.2, 4.1)
    drawn = [c for c in certifications if c.curve]
    for k, c in enumerate(drawn):
        radii, colour = [p.radius for p in c.curve], SERIES[k % len(SERIES)]
        lines = (("auroc", "-", 2.2), ("auroc_joint", "--", 1.6), ("auroc_mean", ":", 1.6))
        for field, dash, width in lines:
            values = [getattr(p, field) for p in c.curve]
            name = c.design if field == "auroc" else None
            ax.plot(radii, values, dash, color=colour, linewidth=width, label=name)
        for m, attack in enumerate(dict.fromkeys(a.name for a in c.attacks)):
            points = [(a.radius, a.auroc) for a in c.attacks if a.name == attack]
            style = {"marker": MARKERS[m % len(MARKERS)], "fillstyle": "none"}
            text = f"{c.design}, {attack}"
            ax.plot(*zip(*points, strict=True), color=colour, linestyle="", label=text, **style)
    published = {p.radius: p.published for c in drawn for p in c.rows if p.published is not None}
    if published:
        style = {"marker": "x", "linestyle": "", "color": INK}
        ax.plot(list(published), list(published.values()), label="published (FreeRAD)", **style)
    ax.set(ylim=(-0.02, 1.04))
    label_axes(ax, "L2 radius, pixels from 0 to 1", "certified AUROC")
    add_legend(ax)
    return as_svg(figure, "certified")


def radius_svg(found: Certification) -> str:
    """Plot how far the decisions of good parts and defects are certain, those without one apart."""
    figure, axes = panels(4.3, 4.1, 2)
    known = found.radii[np.isfinite(found.radii)]
    end = max(float(known.max()) if known.size else 0.0, found.terms.radii[-1]) or 1.0
    bins = np.linspace(0, end * 1.0001, 21)
    apart = -0.13 * end
    for ax, kind, colour, text in (
        (axes[0], False, NORMAL, "good parts"),
        (axes[1], True, ANOMALOUS, "defects"),
    ):
        part = found.labels == kind
        right = Decision.ANOMALOUS if kind else Decision.NORMAL
        sides = (found.decisions == right, (found.decisions == -right))
        true, false = (found.radii[part & side] for side in sides)
        of = {"color": colour, "alpha": 0.75, "label": f"{text}, certainly right"}
        ax.hist(true, bins, **of)
        if ax is not axes[0]:  # whose legend is that of both
            axes[0].bar(0, 0, width=0, **of)  # or it would widen the axis
        ax.hist(false, bins, color=INK, alpha=0.55, label="certainly wrong")
        abstained = int((part & (found.decisions == Decision.UNDECIDED)).sum())
        ax.bar(apart, abstained, width=bins[1], color=INK, alpha=0.2, label="abstains")
        ax.set_title(f"{text} ({int(part.sum())})", color=INK, fontsize=10, loc="left")
        ax.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        label_axes(ax, y="images")
    ticks = np.linspace(0, end, 5)
    axes[1].set_xticks([apart, *ticks], ["none", *(f"{t:.2g}" for t in ticks)])
    label_axes(axes[1], "radius of the decision at the threshold", "images")
    add_legend(axes[0])
    return as_svg(figure, "radii")


def pixel_picture(item: PixelItem, decisions: NDArray[np.int8], side: int = 288) -> bytes:
    """Lay the three colours over the grey image, the true defect outlined: JPEG bytes.

    Args:
        item: whose image and mask are shown.
        decisions: (H, W) values of ``Decision``.
        side: longest side of the picture.
    """
    grey = item.image.detach().cpu().double().mean(0).numpy()[..., None]
    paint = np.empty((*decisions.shape, 3))
    for decision, colour in COLOURS.items():
        paint[decisions == decision] = colour
    pixels = 0.45 * grey + 0.55 * paint
    if item.mask is not None:
        inside = item.mask.cpu().numpy().astype(bool)
        width = max(1, round(min(inside.shape) / 128))
        pixels[ndimage.binary_dilation(inside, iterations=width) & ~inside] = (0.0, 0.0, 0.0)
    return photo(torch.from_numpy(np.moveaxis(pixels, -1, 0)), side)
