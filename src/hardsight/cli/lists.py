"""``hardsight methods``, ``presets`` and ``suites``: what there is."""

import inspect
from typing import Annotated

import typer
import yaml
from rich.table import Table

from hardsight.cli.console import console, explained


def methods() -> None:
    """List the detection methods."""
    from hardsight.presets import METHODS

    table = Table("method", "what it does")
    for name, method in METHODS.items():
        table.add_row(name, (inspect.getdoc(method) or "").splitlines()[0])
    console.print(table)


def presets(
    name: Annotated[str | None, typer.Argument(help="Show all settings of this preset.")] = None,
) -> None:
    """List the presets, or show one in full (a start for a `.yaml` of your own)."""
    from hardsight.presets import load_preset, preset_names

    with explained():
        if name:
            values = load_preset(name).model_dump(mode="json")
            console.print(yaml.safe_dump(values, sort_keys=False), end="", markup=False)
            return
        table = Table("preset", "what it is")
        for known in preset_names():
            table.add_row(known, load_preset(known).description.strip())
        console.print(table)


def suites(
    budget: Annotated[str, typer.Option(help="fast or full.")] = "fast",
) -> None:
    """List the attack suites: what each aims at, and what it spends on an image."""
    from hardsight.attacks import RECIPES, build_suite

    with explained():
        table = Table("suite", "aims at", "attacks", "passes an image")
        for name in RECIPES:
            suite = build_suite(name, budget=budget)
            aim = "map" if suite.on_map else "score"
            table.add_row(name, aim, suite.description, f"{suite.passes():,}")
        console.print(table)
