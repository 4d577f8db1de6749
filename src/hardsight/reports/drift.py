"""Drift of a stream of parts as a chart and as JSON."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hardsight.core.files import write_atomically, write_whole
from hardsight.evaluation.drift import Alarm, Watched
from hardsight.reports.canvas import label_axes, panels

FLOOR = 1e-6
"""Shares of the limit below this are drawn as this."""
LINE, ALARM = "#3465a4", "#c4501b"


def write_drift(
    watched: Mapping[str, Watched], alarms: list[Alarm], once_in: int, folder: Path
) -> Path:
    """Write ``drift.json`` and ``drift.png``; return the chart's path.

    Args:
        watched: stream -> what it showed, of the same parts.
        alarms: that were raised.
        once_in: parts in which one false alarm is tolerated.
        folder: made where it is not.
    """
    found: dict[str, Any] = {
        "once_in": once_in,
        "parts": max(one.evidence.size for one in watched.values()),
        "alarms": [alarm._asdict() for alarm in alarms],
        "streams": {
            name: {"p_values": one.p_values.tolist(), "evidence": one.evidence.tolist()}
            for name, one in watched.items()
        },
    }
    write_atomically(folder / "drift.json", json.dumps(found) + "\n")
    png = drift_png(watched)
    return write_whole(folder / "drift.png", lambda part: part.write_bytes(png))


def drift_png(watched: Mapping[str, Watched]) -> bytes:
    """Draw the evidence of each stream against the number of the part, the limit at 1."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import: not before

    figure, axes = panels(7.0, 1.0 + 1.5 * len(watched), rows=len(watched))
    figure.patch.set_alpha(1.0)
    for ax, (name, one) in zip(axes, watched.items(), strict=True):
        parts = np.arange(1, one.evidence.size + 1)
        ax.semilogy(parts, one.evidence.clip(min=FLOOR), color=LINE, linewidth=1.6)
        ax.axhline(1.0, color=ALARM, linewidth=1.0, linestyle="--")
        raised = parts[one.alarms]
        ax.plot(raised, one.evidence[one.alarms], "o", color=ALARM, markersize=5)
        ax.set_title(f"{name}: {raised.size or 'no'} alarm{'s' * (raised.size > 1)}", fontsize=10)
        ax.set_ylim(FLOOR / 2, max(10.0, 2 * one.evidence.max(initial=0.0)))
        label_axes(ax, y="evidence")
    label_axes(axes[-1], "part", "evidence")
    out = io.BytesIO()
    FigureCanvasAgg(figure).print_png(out)
    return out.getvalue()
