"""``hardsight methods``, ``presets`` and ``suites``: what there is."""

import inspect
from typing import TYPE_CHECKING, Annotated

import typer
import yaml
from rich.table import Table
from rich.text import Text

from hardsight.cli.console import console, explained
from hardsight.cli.options import check_given
from hardsight.cli.pace import duration
from hardsight.core.presets import preset_names

if TYPE_CHECKING:
    from hardsight.attacks import Suite
    from hardsight.attacks.suites import Target

AIMS: dict["Target", str] = {"image": "score", "pixel": "map", "class": "class"}
"""What a suite attacks, in words."""


def methods() -> None:
    """List the methods: of anomaly detection, and of classifying under attack.

    Times are of this machine with nothing else running, for 209 images of 256 x 256: what was
    measured elsewhere, scaled by a short measurement here. What can be exported has a graph of
    ONNX or OpenVINO, see `hardsight export`.

    A preset names a method.

    Examples:

        hardsight methods
    """
    from hardsight.config import CONFIGS
    from hardsight.core.devices import pick_device
    from hardsight.core.speed import slowness
    from hardsight.detectors.methods import METHODS

    slow = slowness(pick_device("auto"))
    detectors = Table(title="Anomaly detection", pad_edge=False)
    detectors.add_column("preset", no_wrap=True)
    detectors.add_column("what it does, and what it is good at")
    for heading in ("fit", "image", "export"):
        detectors.add_column(heading, no_wrap=True)
    for name, method in METHODS.items():
        fit, image = (_scaled(seconds, slow) for seconds in method.seconds)
        called = "." if method.preset == name else f" (method {name})."
        strength = method.strength[:1].upper() + method.strength[1:]
        said = Text(f"{method.summary.rstrip('.')}{called}\n").append(strength, style="dim")
        graph = "yes" if method.detector.exportable else "no"
        detectors.add_row(method.preset, said, fit, image, graph)
    console.print(detectors)
    classifiers = Table("method", "what it does", title="Classification under attack")
    for name, config in CONFIGS.items():
        if name not in METHODS:
            first = (inspect.getdoc(config) or "").partition("\n")[0]
            classifiers.add_row(name, first.replace("``", ""))
    console.print(classifiers)


def _scaled(seconds: float | None, slowness: float | None) -> str:
    """Return a time on this machine in words; "-" where it was not measured."""
    if seconds is None or slowness is None:
        return "-"
    return duration(seconds * slowness)


def presets(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show all settings of this preset.")
    ] = None,
) -> None:
    """List the presets, or show one in full, a start for one of your own.

    Examples:

        hardsight presets
        hardsight presets advrad > mine.yaml
        hardsight fit mine.yaml --data photos/ --run runs/mine
    """
    check_given(preset=name or None)
    from hardsight.config import load_preset

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
    way; inside a ball, or in the parameters of another threat.

    Examples:

        hardsight suites --budget full
        hardsight evaluate runs/bottle --suite bim
        hardsight evaluate runs/bottle --threat light --eps 0.1
    """
    from hardsight.attacks import THREATS, attack_names, build_suite
    from hardsight.attacks.class_suites import class_suite

    with explained():
        suites = [build_suite(name, budget=budget) for name in attack_names("detector")]
        _print_suites("Suites for detectors", suites)
        # in L2 all can attack
        suites = [class_suite(n, "L2", budget=budget) for n in attack_names("classifier")]
        _print_suites("Suites for classifiers", suites)
        threats = Table("threat", "what an attacker may do", "what eps is", "usual eps")
        balls = "the largest change of a pixel; in L2 the norm of all changes"
        threats.add_row("Linf, L2", "Change every pixel a little.", balls, "2/255")
        for name, threat in THREATS.items():
            threats.add_row(name, threat.change(), threat.severity, f"{threat.default:.2g}")
        console.print(threats)


def _print_suites(title: str, suites: "list[Suite]") -> None:
    from hardsight.attacks import ATTACKS

    table = Table(title=title)
    table.add_column("suite", no_wrap=True)
    table.add_column("what it is, and its attacks")
    for heading in ("aims at", "passes an image"):
        table.add_column(heading, no_wrap=True)
    for suite in suites:
        said = Text(f"{ATTACKS[suite.name].summary}\n").append(suite.description, style="dim")
        table.add_row(suite.name, said, AIMS[suite.target], f"{suite.passes():,}")
    console.print(table)
