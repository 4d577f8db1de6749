"""The record that registers a metric."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Target = Literal["image", "pixel", "class"]
"""What a metric compares with the truth: scores (N,) with labels (N,), maps (N, H, W) with masks of
the same shape, or predicted classes (N,) with true ones (N,)."""

Values = Callable[[Any, Any], float]
Interval = Callable[[Any, Any], tuple[float, float, float]]


@dataclass(frozen=True)
class Metric:
    """Measures how well values agree with the truth; a line of ``METRICS`` registers it.

    Args:
        name: as tables show it.
        target: see ``Target``.
        function: (values, truth) -> the figure.
        interval: (values, truth) -> (the figure, low, high), 95 %; a metric without an interval
            gives the figure thrice, see ``exactly``.
        over_draws: (values (N, D), truth) -> (the figure of one noise draw, low, high); None: the
            metric is measured of one draw or of the mean of all.
        attacked: measured of attacked images too, not of clean ones alone.
    """

    name: str
    target: Target
    function: Values
    interval: Interval
    over_draws: Interval | None = None
    attacked: bool = False


def exactly(function: Values) -> Interval:
    """Return an interval of no width, for a metric whose interval would cost too much."""

    def interval(values: Any, truth: Any) -> tuple[float, float, float]:
        value = function(values, truth)
        return value, value, value

    return interval
