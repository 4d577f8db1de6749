"""Where a classifier of points in the plane changes its mind (Blau et al., 2022, Figure 3)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from markupsafe import Markup
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor, nn

from hardsight.attacks.objectives.draws import evaluate_draws
from hardsight.core.files import write_atomically
from hardsight.reports.canvas import ANOMALOUS, INK, NORMAL, as_svg
from hardsight.reports.canvas import panels as blank
from hardsight.reports.page import render


@torch.no_grad()
def class_map(
    model: nn.Module, side: int, generator: torch.Generator | None = None, batch_size: int = 4096
) -> NDArray[np.int64]:
    """Return the class of each point of a grid over the unit square.

    Args:
        model: points as images (B, 1, 1, 2) in [0, 1], float64 -> logits.
        side: points a side.
        generator: of the noise of a random model.
        batch_size: points at a time.

    Returns:
        (side, side); ``[i, j]`` is the point (x, y) = (j, i) / (side - 1).
    """
    axis = torch.linspace(0, 1, side, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis).flip(1).view(-1, 1, 1, 2)
    parts = [
        evaluate_draws(model, x, 1, generator).argmax(1) for x in torch.split(grid, batch_size)
    ]
    found: NDArray[np.int64] = torch.cat(parts).view(side, side).numpy()
    return found


def margins(classes: NDArray[np.int64], points: Tensor, labels: Tensor) -> NDArray[np.float64]:
    """Return how far each point is from the nearest grid point of another class than its own.

    Args:
        classes: from ``class_map``.
        points: (n, 2) in [0, 1].
        labels: (n,) their true classes.

    Returns:
        (n,) L2 distances, to the grid's spacing; infinite where there is no other class.
    """
    side = len(classes)
    found = np.full(len(points), np.inf)
    for label in np.unique(labels.numpy()):
        i, j = np.nonzero(classes != label)
        own = labels.numpy() == label
        if len(i):
            other = cKDTree(np.stack([j, i], 1) / (side - 1))
            found[own] = other.query(points.numpy()[own])[0]
    return found


def boundary_svg(maps: Mapping[str, NDArray[np.int64]], points: Tensor, labels: Tensor) -> str:
    """Draw the decisions of several models, two classes, one panel each, and the data on them.

    Args:
        maps: name -> ``class_map``.
        points: (n, 2) in [0, 1].
        labels: (n,) 0 or 1.
    """
    figure, axes = blank(3.6, 3.4 * len(maps), len(maps))
    colours = ListedColormap([NORMAL, ANOMALOUS])
    for ax, (name, classes) in zip(axes, maps.items(), strict=True):
        _contours(ax, classes, colours)
        for k, colour in enumerate((NORMAL, ANOMALOUS)):
            own = points.numpy()[labels.numpy() == k]
            ax.plot(*own.T, linestyle="", marker="o", markersize=2.5, color=colour)
        ax.set_title(name, color=INK, fontsize=10, loc="left", parse_math=False)
        ax.set(aspect="equal", xlim=(0, 1), ylim=(0, 1))
    return as_svg(figure, "boundary")


def write_boundary_html(
    maps: Mapping[str, NDArray[np.int64]],
    points: Tensor,
    labels: Tensor,
    path: str | Path,
    title: str = "Decision boundaries",
) -> Path:
    """Write ``boundary_svg`` as a page of its own, with each model's margins."""
    rows = []
    for name, classes in maps.items():
        low, middle = np.quantile(margins(classes, points, labels), [0.05, 0.5])
        rows.append([name, f"{low:.3f}", f"{middle:.3f}"])
    text = render(
        Path(__file__).with_name("boundary.html.j2"),
        title=title,
        svg=Markup(boundary_svg(maps, points, labels)),
        rows=rows,
    )
    return write_atomically(path, text)


def _contours(ax: Any, classes: NDArray[np.int64], colours: ListedColormap) -> None:
    axis = np.linspace(0, 1, len(classes))
    ax.contourf(axis, axis, classes, levels=[-0.5, 0.5, 1.5], cmap=colours, alpha=0.3)
