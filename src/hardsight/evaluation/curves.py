"""Curves of the main figure under attack: where they fall, and how low."""

from collections.abc import Iterator, Sequence

from hardsight.evaluation.results import Curve, Estimate

Points = tuple[tuple[float, Estimate], ...]


def least_left(curves: Sequence[Curve], threat: str, strength: float) -> Estimate | None:
    """Return the lowest figure under attack up to a strength of a threat; None: no such point."""
    found = [
        left
        for name, points in _lines(curves)
        if name == threat
        for at, left in points[1:]
        if at <= strength * (1 + 1e-9)
    ]
    return min(found, key=lambda left: left.value, default=None)


def falls(curves: Sequence[Curve], line: float) -> Iterator[tuple[str, float, Estimate]]:
    """Yield (threat, strength, figure) of the first point below a line, of each curve above it."""
    for threat, points in _lines(curves):
        below = [point for point in points[1:] if point[1].value < line <= points[0][1].value]
        if below:
            yield threat, *below[0]


def _lines(curves: Sequence[Curve]) -> Iterator[tuple[str, Points]]:
    """Yield (threat, points) of the lines of the main figure, the clean one first."""
    for curve in curves:
        if curve.threat and not curve.measure:
            for points in curve.lines.values():
                yield curve.threat, points
