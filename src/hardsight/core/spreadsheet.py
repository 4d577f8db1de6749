"""Cells of tables that spreadsheets open."""

from typing import TypeVar

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a text begins with that a spreadsheet may take for a formula, and carry out."""
T = TypeVar("T")


def cell(value: T) -> T | str:
    """Return a value as a spreadsheet may open it: text that looks like a formula is quoted.

    Examples:
        >>> cell("=1+1"), cell(-1.5), cell("brick")
        ("'=1+1", -1.5, 'brick')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
