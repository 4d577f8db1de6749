"""The figures of an evaluation: line plots as inline SVG text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardsight.core.words import fraction_of_255
from hardsight.evaluation.results import Curve
from hardsight.evaluation.wording import IN_PER_CENT, figure
from hardsight.metrics import auroc, roc_curve
from hardsight.reports.canvas import (
    ANOMALOUS,
    DASHES,
    INK,
    NORMAL,
    SERIES,
    add_legend,
    as_svg,
    label_axes,
    panels,
)

COIN_TOSS: Any = {"color": INK, "alpha": 0.4, "linewidth": 0.9, "label": "coin toss"}
"""The line of a detector that guesses; the legend names it, away from all that is drawn."""


def roc_svg(scores: dict[str, NDArray[np.float64]], labels: NDArray[np.bool_]) -> str:
    """Plot the ROC curves of every attack's scores, "clean" first and solid.

    Args:
        scores: attack name -> (n,); a partial attack has n < N and uses the first n labels.
        labels: (N,) true = anomalous.
    """
    canvas, (ax,) = panels(4.3, 3.6)
    ax.plot([0, 1], [0, 1], **COIN_TOSS)
    for k, (name, values) in enumerate(scores.items()):
        part = labels[: len(values)]
        ax.plot(
            *roc_curve(values, part),
            color=SERIES[k % len(SERIES)],
            linestyle=DASHES[k % len(DASHES)],
            linewidth=2.0,
            label=f"{name}: {figure(auroc(values, part), 'AUROC')}",
        )
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    label_axes(ax, "false-positive rate: false alarms", "true-positive rate: defects found")
    add_legend(ax)
    return as_svg(canvas, "roc")


STRENGTHS = {"eps": "L-inf radius (eps)", "L2 eps": "L2 radius (eps)"}
"""x_label of a curve under attack -> what its axis says."""


def setting(curve: Curve, x: float) -> str:
    """Return an x of a curve as it is written: an L-inf radius in k/255 where it is that."""
    return fraction_of_255(x) if curve.threat == "Linf" else f"{x:.4g}"


def curve_svg(curve: Curve, measure: str) -> str:
    """Draw the curve's measure, or the main figure, against its setting, the intervals as bands.

    Args:
        curve: with x in rising order; an ``eps`` is named in k/255 where it is that.
        measure: the main figure, "AUROC" or "accuracy".
    """
    measure = curve.measure or measure
    scale, unit = (100, ", in per cent") if measure in IN_PER_CENT else (1, "")
    canvas, (ax,) = panels(4.3, 3.6)
    every = sorted({x for points in curve.lines.values() for x, _ in points})
    if measure == "AUROC":
        ax.axhline(0.5, **COIN_TOSS)
    for k, (name, points) in enumerate(curve.lines.items()):
        x = [point[0] for point in points]
        value, low, high = scale * np.array([point[1] for point in points]).T
        style = {"color": SERIES[(k + 1) % len(SERIES)], "linestyle": DASHES[k % len(DASHES)]}
        ax.fill_between(x, low, high, color=style["color"], alpha=0.22, linewidth=0)
        ax.plot(x, value, marker="o", markersize=4.5, linewidth=2.0, label=name, **style)
    ax.set(ylim=(-0.02 * scale, 1.02 * scale))
    if curve.threat:
        ticks = [e for k, e in enumerate(every) if k in (0, len(every) - 1) or _apart(e, every)]
        ax.set_xticks(ticks, [setting(curve, e) for e in ticks])
    label_axes(
        ax,
        STRENGTHS.get(curve.x_label, curve.x_label),
        (f"{measure} under attack" if curve.threat else measure) + unit,
    )
    if len(ax.get_legend_handles_labels()[0]) > 1:
        add_legend(ax)
    return as_svg(canvas, f"curve {curve.title}")


def _apart(e: float, eps: Sequence[float]) -> bool:
    """Tell whether a tick label at ``e`` has room beside those on the left and at the end."""
    room = 0.11 * (eps[-1] - eps[0])
    before = [other for other in eps if other < e]
    return e - max(before, default=-1.0) >= room and eps[-1] - e >= room


def histogram_svg(
    scores: Mapping[str, NDArray[np.float64]],
    labels: NDArray[np.bool_],
    threshold: float | None,
) -> str:
    """Draw histograms of scores, one panel a name on a common axis, with the threshold's line.

    Args:
        scores: name -> (n,); a partial attack has n < N and uses the first n labels.
        labels: (N,) true = anomalous.
        threshold: None: there is none.
    """
    canvas, axes = panels(4.3, 0.35 + 1.63 * len(scores), len(scores))
    everything = np.concatenate(
        list(scores.values()) + ([[threshold]] if threshold is not None else [])
    )
    bins = np.histogram_bin_edges(everything, bins=32)
    for ax, (name, each) in zip(axes, scores.items(), strict=True):
        part = labels[: len(each)]
        for anomalous, colour, text in (
            (False, NORMAL, "good parts"),
            (True, ANOMALOUS, "defects"),
        ):
            values = each[part == anomalous]
            ax.hist(values, bins, color=colour, alpha=0.35, label=text)
            ax.hist(values, bins, color=colour, histtype="step", linewidth=1.6)
        if threshold is not None:
            ax.axvline(threshold, color=INK, linewidth=1.4, linestyle="--", label="threshold")
        ax.set_title(name, color=INK, fontsize=10, loc="left", parse_math=False)
        ax.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        label_axes(ax, y="images")
    label_axes(axes[-1], "score", "images")
    add_legend(axes[0])
    return as_svg(canvas, "histogram")
