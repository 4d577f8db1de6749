"""Cells of tables that spreadsheets open."""

from typing import TypeVar

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a text begins with that a spreadsheet may take for a formula, and carry out."""
T = TypeVar("T")


def cell(value: T) -> T | str:
    """Return a value as a spreadsheet may open it: text that looks like a formula is quoted.

    Text that could be taken for quoted is quoted once more, so that ``text_of`` gives back any.

    Examples:
        >>> cell("=1+1"), cell(-1.5), cell("brick"), cell("'=1+1")
        ("'=1+1", -1.5, 'brick', "''=1+1")
    """
    return f"'{value}" if isinstance(value, str) and _is_formula(value) else value


def text_of(written: str) -> str:
    """Return the text that ``cell`` wrote so.

    Examples:
        >>> text_of("'=1+1"), text_of("''=1+1"), text_of("'brick'"), text_of("-1.5")
        ('=1+1', "'=1+1", "'brick'", '-1.5')
    """
    return written[1:] if written.startswith("'") and _is_formula(written) else written


def _is_formula(text: str) -> bool:
    return text.lstrip("'").startswith(FORMULA)
