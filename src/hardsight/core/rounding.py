"""Whole numbers from products of floats, which may miss them by the last digit."""

import math

TOLERANCE = 1e-9
"""0.29 * 100 is 28.999999999999996 in floats, and 0.07 * 100 is 7.000000000000001."""


def floor(value: float) -> int:
    """Return the largest integer that is at most ``value``, or above it by rounding alone."""
    return math.floor(value + TOLERANCE)


def ceil(value: float) -> int:
    """Return the smallest integer that is at least ``value``, or below it by rounding alone."""
    return math.ceil(value - TOLERANCE)
