"""What an evaluation is going to do, and how long it will take, before it begins."""

from typing import TYPE_CHECKING

from rich.table import Table

from hardsight.cli.console import errors
from hardsight.cli.pace import duration

if TYPE_CHECKING:
    from hardsight.evaluation import Cost


def print_costs(costs: "list[Cost]", workers: int = 1) -> None:
    """Say what so many workers are going to do, and how long each part and all will take."""
    table = Table("part", "attacks", "passes an image", "about", title="Budget")
    for part, passes, minutes in costs:
        attacks = part.suite.description if part.suite else "-"
        table.add_row(part.name, attacks, f"{passes:,}" if passes else "-", _time(minutes, workers))
    table.add_section()
    table.add_row("all", "", "", _time(sum(cost.minutes for cost in costs), workers))
    errors.print(table)


def _time(minutes: float, workers: int) -> str:
    return duration(60 * minutes / workers)
