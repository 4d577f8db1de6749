"""``hardsight methods``, ``presets`` and ``suites``: what there is."""

import inspect
from typing import Annotated

import typer
import yaml
from rich.table import Table

from hardsight.cli.console import console, explained


def methods() -> None:
    """List the methods: of anomaly detection, and of classifying under attack.

    A preset names one. Example: `hardsight methods`
    """
    from hardsight.config import CONFIGS
    from hardsight.detectors.methods import METHODS

    table = Table("method", "finds", "what it does")
    for name, config in CONFIGS.items():
        method = METHODS.get(name)
        first = method.summary if method else (inspect.getdoc(config) or "").splitlines()[0]
        table.add_row(name, "anomalies" if method else "classes", first.replace("``", ""))
    console.print(table)


def presets(
    name: Annotated[str | None, typer.Argument(help="Show all settings of this preset.")] = None,
) -> None:
    """List the presets, or show one in full, a start for one of your own.

    Example: `hardsight presets advrad > mine.yaml` and `hardsight fit mine.yaml --data photos`
    """
    from hardsight.config import load_preset, preset_names

    with explained():
        if name:
            values = load_preset(name).model_dump(mode="json")
            console.print(yaml.safe_dump(values, sort_keys=False), end="", soft_wrap=True)
            return
        table = Table("preset", "what it is")
        for known in preset_names():
            table.add_row(known, load_preset(known).description.strip())
        console.print(table)


def suites(
    budget: Annotated[str, typer.Option(help="fast or full.")] = "fast",
) -> None:
    """List the attack suites: whom and what each attacks, and what it spends on an image.

    A suite of the same name attacks a detector's score and a classifier's classes, each in its own
    way; inside a ball, or in the parameters of another threat. Examples:
    `hardsight suites --budget full`, `hardsight evaluate runs/bottle --suite bim` and
    `hardsight evaluate runs/bottle --norm light --eps 0.1`
    """
    from hardsight.attacks import ATTACKS, THREATS, attack_names, build_suite
    from hardsight.evaluation import class_suite

    with explained():
        table = Table("suite", "victim", "aims at", "what it is", "attacks", "passes an image")
        for name in attack_names("detector"):
            suite = build_suite(name, budget=budget)
            aim = "map" if suite.on_map else "score"
            spent = suite.description, f"{suite.passes():,}"
            table.add_row(name, "detector", aim, ATTACKS[name].summary, *spent)
        table.add_section()
        for name in attack_names("classifier"):
            suite = class_suite(name, budget=budget)
            spent = suite.description, f"{suite.passes():,}"
            table.add_row(name, "classifier", "class", ATTACKS[name].summary, *spent)
        console.print(table)
        threats = Table("norm", "what an attacker may do", "usual eps")
        threats.add_row("Linf, L2", "Change every pixel a little.", "2/255")
        for name, threat in THREATS.items():
            summary = inspect.getdoc(threat) or ""
            threats.add_row(name, summary.partition("\n")[0], f"{threat.default:.2g}")
        console.print(threats)
