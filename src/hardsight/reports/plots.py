"""The figures of a report: line plots as inline SVG text, photographs as image bytes."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import Tensor

from hardsight.evaluation.results import Estimate
from hardsight.evaluation.wording import fraction_of_255
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

_HEAT = colormaps["inferno"]
_OUTLINE = np.array([0.0, 0.9, 1.0])
AMPLIFY = 10
"""How many times a perturbation is enlarged for showing."""


def roc_svg(scores: dict[str, NDArray[np.float64]], labels: NDArray[np.bool_]) -> str:
    """ROC curves of every attack's mean scores, "clean" first and solid.

    Args:
        scores: attack name -> (n, D); a partial attack has n < N and uses the first n labels.
        labels: (N,) true = anomalous.
    """
    figure, (ax,) = panels(4.3, 3.6)
    ax.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.9)
    ax.text(0.79, 0.745, "coin toss", color=INK, alpha=0.7, fontsize=8, rotation=38)
    for k, (name, columns) in enumerate(scores.items()):
        mean, part = columns.mean(axis=1), labels[: len(columns)]
        ax.plot(
            *roc_curve(mean, part),
            color=SERIES[k % len(SERIES)],
            linestyle=DASHES[k % len(DASHES)],
            linewidth=2.0,
            label=f"{name}: {100 * auroc(mean, part):.1f} %",
        )
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    label_axes(ax, "good parts that raise an alarm", "defects found")
    add_legend(ax, "lower right")
    return as_svg(figure, "roc")


def curve_svg(curve: Sequence[tuple[float, Estimate]]) -> str:
    """AUROC against eps with its interval as a band; eps ticks in k/255 where they are that."""
    figure, (ax,) = panels(4.3, 3.6)
    eps = [point[0] for point in curve]
    value, low, high = np.array([point[1] for point in curve]).T
    ax.axhline(0.5, color=INK, alpha=0.4, linewidth=0.9)
    ax.text(eps[-1], 0.51, "coin toss", color=INK, alpha=0.7, fontsize=8, ha="right")
    ax.fill_between(eps, low, high, color=SERIES[1], alpha=0.25, linewidth=0)
    ax.plot(eps, value, color=SERIES[1], marker="o", markersize=5, linewidth=2.0)
    ticks = [e for k, e in enumerate(eps) if k in (0, len(eps) - 1) or _apart(e, eps)]
    ax.set_xticks(ticks, [fraction_of_255(e) for e in ticks])
    ax.set(ylim=(-0.02, 1.02))
    label_axes(ax, "largest change of any pixel (eps)", "AUROC under attack")
    return as_svg(figure, "curve")


def _apart(e: float, eps: Sequence[float]) -> bool:
    """True if a tick label at ``e`` has room beside its neighbours on the left and at the end."""
    room = 0.11 * (eps[-1] - eps[0])
    before = [other for other in eps if other < e]
    return e - max(before, default=-1.0) >= room and eps[-1] - e >= room


def histogram_svg(
    scores: dict[str, NDArray[np.float64]],
    labels: NDArray[np.bool_],
    names: Sequence[str],
    threshold: float | None,
) -> str:
    """Histograms of mean scores, one panel a name on a common axis, with the threshold's line."""
    figure, axes = panels(4.3, 0.35 + 1.63 * len(names), len(names))
    means = {name: scores[name].mean(axis=1) for name in names}
    everything = np.concatenate(
        list(means.values()) + ([[threshold]] if threshold is not None else [])
    )
    bins = np.histogram_bin_edges(everything, bins=32)
    for ax, name in zip(axes, names, strict=True):
        part = labels[: len(means[name])]
        for kind, colour, text in (
            (False, NORMAL, "good parts"),
            (True, ANOMALOUS, "defects"),
        ):
            values = means[name][part == kind]
            ax.hist(values, bins, color=colour, alpha=0.35, label=text)
            ax.hist(values, bins, color=colour, histtype="step", linewidth=1.6)
        if threshold is not None:
            ax.axvline(threshold, color=INK, linewidth=1.4, linestyle="--", label="threshold")
        ax.set_title(name, color=INK, fontsize=10, loc="left", parse_math=False)
        ax.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        label_axes(ax, y="images")
    label_axes(axes[-1], "score", "images")
    add_legend(axes[0], "outside upper center")
    return as_svg(figure, "histogram")


def _encode(pixels: NDArray[np.floating[Any]], side: int, quality: int) -> bytes:
    """(H, W, 3) in [0, 1] -> JPEG bytes, no side longer than ``side``."""
    picture = Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    # optimize=True would ask for a buffer of a byte a pixel, which noise outgrows
    picture.save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def _rgb(image: Tensor) -> NDArray[np.float64]:
    """(C, H, W) -> (H, W, 3); one channel is repeated, others than 1 and 3 are averaged."""
    x = image.detach().cpu().double().numpy()
    x = x if x.shape[0] == 3 else np.repeat(x.mean(axis=0, keepdims=True), 3, axis=0)
    return np.moveaxis(x, 0, -1)


def photo(image: Tensor, side: int = 288) -> bytes:
    """(C, H, W) in [0, 1] -> JPEG bytes."""
    return _encode(_rgb(image), side, 86)


def perturbation(image: Tensor, attacked: Tensor, side: int = 288) -> bytes:
    """The signed change enlarged ``AMPLIFY`` times round mid-grey (= no change) -> JPEG bytes."""
    return _encode(0.5 + AMPLIFY * (_rgb(attacked) - _rgb(image)), side, 80)


def heat_scale(maps: Sequence[Tensor]) -> tuple[float, float]:
    """One (low, high) for all maps: the middle of all pixels to the hottest 0.05 %."""
    values = np.concatenate([m.detach().cpu().double().numpy().ravel() for m in maps])
    low, high = (float(v) for v in np.quantile(values, [0.5, 0.9995]))
    return low, high if high > low else low + 1.0


def _heated(grey: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lay the heat ``v`` in [0, 1] over a grey picture: nothing at 0, opaque colour at 1."""
    alpha = (0.85 * v**0.7)[..., None]
    blended: NDArray[np.float64] = alpha * _HEAT(0.25 + 0.7 * v)[..., :3] + (1 - alpha) * grey
    return blended


def heat(
    image: Tensor,
    anomaly_map: Tensor,
    mask: Tensor | None,
    scale: tuple[float, float],
    side: int = 288,
) -> bytes:
    """The map laid over the grey image, the true defect outlined in cyan -> JPEG bytes.

    Args:
        image: (C, H, W) in [0, 1].
        anomaly_map: (H, W).
        mask: (H, W) bool or None.
        scale: values drawn as no heat and as full heat.
        side: longest side of the picture.
    """
    low, high = scale
    v = ((anomaly_map.detach().cpu().double().numpy() - low) / (high - low)).clip(0, 1)
    grey = 0.15 + 0.7 * _rgb(image).mean(axis=-1, keepdims=True)
    pixels = _heated(grey, v)
    if mask is not None:
        inside = mask.cpu().numpy().astype(bool)
        width = max(1, round(min(inside.shape) / 128))
        pixels[ndimage.binary_dilation(inside, iterations=width) & ~inside] = _OUTLINE
    return _encode(pixels, side, 86)


def heat_bar() -> bytes:
    """The colours of ``heat`` from none to full, over mid-grey -> JPEG bytes."""
    v = np.tile(np.linspace(0.0, 1.0, 256), (12, 1))
    return _encode(_heated(np.full((12, 256, 1), 0.5), v), 256, 90)
