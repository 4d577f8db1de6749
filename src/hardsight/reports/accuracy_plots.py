"""The figures of a classifier's report."""

from hardsight.evaluation.accuracy.results import Curve
from hardsight.reports.canvas import DASHES, SERIES, add_legend, as_svg, label_axes, panels


def curve_svg(curve: Curve) -> str:
    """Accuracy against the curve's setting, the intervals as bands."""
    figure, (ax,) = panels(4.3, 3.6)
    for k, (name, points) in enumerate(curve.lines.items()):
        x = [p[0] for p in points]
        value, low, high = ([p[1][j] for p in points] for j in range(3))
        colour = SERIES[k % len(SERIES)]
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        style = {"marker": "o", "markersize": 4, "linewidth": 2.0}
        ax.plot(x, value, color=colour, linestyle=DASHES[k % len(DASHES)], label=name, **style)
    ax.set(ylim=(-0.02, 1.02))
    label_axes(ax, curve.x_label, "accuracy")
    add_legend(ax, "outside upper center")
    return as_svg(figure, f"accuracy {curve.title}")
