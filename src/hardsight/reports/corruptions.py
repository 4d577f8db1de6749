"""What corruptions did, as a table: a row a corruption, a column a severity."""

from collections.abc import Sequence

from hardsight.evaluation.results import Corrupted
from hardsight.evaluation.wording import change, figure
from hardsight.reports.tables import Cell


def corruption_heads(found: Sequence[Corrupted]) -> list[str]:
    """Return the heads of the table's columns."""
    return ["Corruption", *(f"Severity {s}" for s in _severities(found))]


def corruption_rows(found: Sequence[Corrupted], measure: str) -> list[list[Cell]]:
    """Return a row for every corruption: its name, then a cell for every severity.

    A cell has the figure and its change; beneath, of a detector with a
    threshold, the defects found and the false alarms.
    """
    at = {(c.corruption, c.severity): c for c in found}
    return [
        [
            Cell(name.replace("_", " ")),
            *(_cell(at.get((name, severity)), measure) for severity in _severities(found)),
        ]
        for name in dict.fromkeys(c.corruption for c in found)
    ]


def _severities(found: Sequence[Corrupted]) -> list[int]:
    return sorted({c.severity for c in found})


def _cell(one: Corrupted | None, measure: str) -> Cell:
    if one is None:
        return Cell("-")
    shown = f"{figure(one.figure.value, measure)} ({change(one.change, measure)})"
    if one.decisions is None:
        return Cell(shown)
    found, defects, false, good = one.decisions
    return Cell(shown, f"found {found} of {defects}, false {false} of {good}")
