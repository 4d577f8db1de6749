"""``hardsight calibrate``: where an image becomes an anomaly, set anew."""

from typing import TYPE_CHECKING, Annotated

import typer

from hardsight.cli.console import explained, say
from hardsight.cli.options import Device, FalseAlarms, RunFolder, Seed, check_given, only_with
from hardsight.cli.progress import told
from hardsight.core.words import quoted

if TYPE_CHECKING:
    from hardsight.attacks import Suite


def calibrate(
    context: typer.Context,
    run: RunFolder,
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGES",
            help="Normal images, folders or globs that were not trained on. Default: those that "
            "the fit held out.",
        ),
    ] = None,
    under: Annotated[
        str | None,
        typer.Option(
            help="The attack that the threshold is to hold under, as linf:2/255, l2:0.2 or "
            "light:0.1; `hardsight suites` lists them. Default: none."
        ),
    ] = None,
    suite: Annotated[
        str, typer.Option("--suite", "--attack", help="Attack suite of --under.")
    ] = "eot-pgd",
    budget: Annotated[str, typer.Option(help="Of --suite: fast or full.")] = "fast",
    false_alarms: FalseAlarms = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Set the threshold of a fitted detector anew, so that it holds under attack, or for new parts.

    The threshold before is kept beside it as `calibration.previous.json`.

    Examples:

        hardsight calibrate runs/bottle --under linf:2/255
        hardsight calibrate runs/bottle this-week/good/ --false-alarms 0.05
    """
    check_given(run, device=device)
    from hardsight.core.lock import locked
    from hardsight.metrics import check_rate
    from hardsight.runs import open_detector_run, recalibrate

    with explained():
        if under is None:
            only_with(context, "--under", "suite", "budget")
        if false_alarms is not None:
            check_rate(false_alarms)
        opened = open_detector_run(run)
        attack = None if under is None else _attack(under, suite, budget)
        with locked(opened.path), told() as progress:
            found = recalibrate(
                opened,
                images or (),
                attack,
                false_alarms,
                seed=seed,
                device=device,
                progress=progress,
            )
        for sentence in found.sentences:
            say(sentence)
        measure = f"hardsight evaluate {quoted(run)}"
        say(f"Next, for the defects found and the false alarms at it: {measure}")


def _attack(under: str, suite: str, budget: str) -> "Suite":
    """Return the suite in the threat model that is written as norm:eps.

    Raises:
        ValueError: it is not written so.
    """
    from hardsight.attacks import build_suite

    norm, colon, eps = under.partition(":")
    if not colon:
        raise ValueError(
            f"--under={under!r} must be a threat and its eps, as linf:2/255 or light:0.1"
        )
    return build_suite(suite, norm, eps, budget)
