"""``hardsight audit``: can robust figures of a detector or a classifier be believed?"""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from hardsight.cli.console import console, explained, say, say_report
from hardsight.cli.options import (
    AllowDataChange,
    AttackedAtOnce,
    AttackedEps,
    Device,
    OtherData,
    RunFolder,
    Seed,
    Source,
    Synthetic,
    check_given,
    for_detectors,
    not_with,
)
from hardsight.cli.progress import told

if TYPE_CHECKING:
    from hardsight.audit import Audit

COLOURS = {"pass": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}


def audit(
    context: typer.Context,
    run: RunFolder,
    path: OtherData = None,
    eps: AttackedEps = None,
    norm: Annotated[
        str | None,
        typer.Option(
            "--norm",
            "--threat",
            help="Linf or L2; what is found stands on the figures of every threat. Default: Linf, "
            "or that of a classifier's training.",
        ),
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(min=4, help="Test images used. Default: 16; of a classifier 64."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Spend half as much: --budget quick.")
    ] = False,
    budget: Annotated[
        str, typer.Option(help="quick, default or full (for an accelerator).")
    ] = "default",
    source: Source = None,
    synthetic: Synthetic = False,
    batch_size: AttackedAtOnce = None,
    seed: Seed = 0,
    max_minutes: Annotated[
        float | None,
        typer.Option(min=0, help="Skip what is left after this long, and say so."),
    ] = None,
    device: Device = "auto",
    allow_data_change: AllowDataChange = False,
) -> None:
    """Check the attacks on a detector or a classifier, and write what was found to RUN/audit.

    Until it passes, `hardsight evaluate` marks robust figures as not audited, and as unreliable if
    it fails. Exit code 2 if a check failed. Its progress counts model passes: an image once through
    the model and back.

    Examples:

        hardsight audit runs/bottle --quick
        hardsight audit runs/rap --images 128
    """
    check_given(run, source, device=device, data=path)
    from hardsight.core.lock import locked
    from hardsight.evaluation import Execution
    from hardsight.reports import write_report
    from hardsight.runs import open_run
    from hardsight.runs.figures import AttackChoice, ImageChoice, figures_of

    with explained():
        if quick:
            not_with(context, "--quick", "budget")
        opened = open_run(run)
        for_detectors(opened, synthetic=synthetic)
        folder = opened.audit_path.parent
        with locked(folder):
            with told() as progress:
                chosen = ImageChoice(
                    path, images, synthetic=synthetic, allow_data_change=allow_data_change
                )
                found = figures_of(opened, device).audit(
                    chosen,
                    AttackChoice(norm=norm, eps=eps, source=source),
                    budget="quick" if quick else budget,
                    seed=seed,
                    batch_size=batch_size,
                    execution=Execution(max_minutes=max_minutes, progress=progress),
                )
            page = write_report(found, folder, opened.audit_path.stem)
            opened.renew_card()
        _show(found)
        say_report(page)
    if not found.passed:
        raise typer.Exit(2)


def _show(found: "Audit") -> None:
    table = Table("check", "verdict", "evidence", "what it means", title=found.title)
    for check in found.checks:
        verdict = Text(check.verdict, COLOURS[check.verdict])
        table.add_row(check.name, verdict, check.evidence, check.sentence)
    console.print(table)
    say(found.headline)
