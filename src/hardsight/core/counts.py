"""Counts: whole numbers from a least one on."""

from numbers import Integral


def demand_whole(least: int, **counts: int) -> None:
    """Refuse counts, by their names, that are no whole numbers from ``least`` on.

    Raises:
        ValueError: that.
    """
    for name, count in counts.items():
        if not isinstance(count, Integral) or count < least:
            raise ValueError(f"{name} must be a whole number >= {least}, got {count!r}")
