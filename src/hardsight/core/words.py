"""Counts and names in a sentence."""

from collections.abc import Sequence


def counted(count: int, noun: str) -> str:
    """Return "1 mask", "2 masks"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names in a row, of many the first few and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
