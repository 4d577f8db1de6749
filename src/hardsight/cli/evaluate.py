"""``hardsight evaluate``: how good, and how easily fooled."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from hardsight.cli.classes import Plan, evaluate_classes, print_costs
from hardsight.cli.console import console, explained, say_report
from hardsight.cli.options import (
    AllowDataChange,
    AttackedAtOnce,
    AttackedEps,
    AttackedNorm,
    Device,
    Limit,
    OtherData,
    RunFolder,
    Seed,
    Source,
    Synthetic,
)
from hardsight.cli.progress import told

if TYPE_CHECKING:
    from hardsight.evaluation import Evaluation

CURVE = "1/255,2/255,4/255,8/255"


def evaluate(
    run: RunFolder,
    path: OtherData = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            "--suite",
            "--attack",
            help="Attacks to run; `hardsight suites` lists them. Repeatable. Default: pgd and "
            "eot-pgd; of a classifier pgd and autoattack, or bpda-eot, blau-pgd and blau-eot if "
            "it is random.",
        ),
    ] = None,
    budget: Annotated[
        str, typer.Option(help="fast (20 steps, 4 draws) or full (100 steps, 20 draws, restarts).")
    ] = "fast",
    eps: AttackedEps = None,
    norm: AttackedNorm = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of every attack.")] = None,
    alpha: Annotated[
        float | None,
        typer.Option("--alpha", "--step-size", help="Length of a PGD step; default: by its steps."),
    ] = None,
    draws: Annotated[
        int | None, typer.Option(min=1, help="Noise draws a gradient averages.")
    ] = None,
    restarts: Annotated[int | None, typer.Option(min=1, help="Restarts of every attack.")] = None,
    source: Source = None,
    limit: Limit = None,
    synthetic: Synthetic = False,
    curve: Annotated[
        str | None,
        typer.Option(
            help="Radii of AUROC or accuracy against eps, comma-separated; empty for none. "
            "Default: 1/255,2/255,4/255,8/255; of a classifier halves of eps down to an eighth."
        ),
    ] = None,
    fresh_draws: Annotated[
        int, typer.Option(min=1, help="Noise draws scored after an attack.")
    ] = 10,
    gallery: Annotated[int, typer.Option(min=0, help="Images shown in the report.")] = 8,
    batch_size: AttackedAtOnce = None,
    seed: Seed = 0,
    max_minutes: Annotated[
        float | None,
        typer.Option(help="Stop attacking after this long; the report says what is missing."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the report; default: RUN/evaluation."),
    ] = None,
    device: Device = "auto",
    allow_data_change: AllowDataChange = False,
) -> None:
    """Score or classify the test set, attack it, and write the report (HTML, Markdown, JSON).

    Killed and started again, it goes on where it was. Examples:
    `hardsight evaluate runs/bottle --eps 2/255`,
    `hardsight evaluate runs/rap --suite fgsm --suite autoattack --eps 0.3 --limit 1000`
    """
    from hardsight.attacks import build_suite, parse_radius
    from hardsight.evaluation import DetectorSubject, Protocol, Record, Work, estimate
    from hardsight.evaluation import evaluate as run_evaluation
    from hardsight.runs import ClassifierRun, open_detector_run, open_run, origin

    with explained(f"Go on with the same command: hardsight evaluate {run} ..."):
        work = open_run(run)
        folder = output or work.path / "evaluation"
        given: dict[str, Any] = {
            "steps": steps,
            "draws": draws,
            "restarts": restarts,
            "step_size": alpha,
        }
        own = {k: v for k, v in given.items() if v is not None}
        protocol = Protocol(fresh_draws, seed, batch_size or 8, gallery)
        place = Work(folder / "state", max_minutes)
        if isinstance(work, ClassifierRun):
            evaluate_classes(
                work,
                Plan(suite, norm, eps, budget, own, curve),
                work.labelled("test", path, allow_data_change),
                limit,
                source,
                device,
                folder,
                replace(protocol, batch_size=batch_size or 64),
                place,
            )
            return
        opened = work.opened if synthetic else work.tested
        detector, data = opened(device, path, allow_data_change)
        eps, norm = eps or "2/255", norm or "Linf"
        radii = CURVE if curve is None else curve
        stamp, note = work.audited(detector)
        planned = [build_suite(n, norm, eps, budget, **own) for n in suite or ["pgd", "eot-pgd"]]
        other = open_detector_run(source).detector(device) if source else None
        part = data.limited(limit) if limit and not synthetic else data
        subject = (
            DetectorSubject.synthetic(detector, part, seed=seed)
            if synthetic
            else DetectorSubject.of(detector, part)
        )
        print_costs(estimate(subject, planned, protocol.batch_size, fresh_draws))
        with told() as progress:
            result = run_evaluation(
                detector,
                part,
                planned,
                norm=norm,
                source=other,
                synthetic=synthetic,
                protocol=replace(
                    protocol, curve=[parse_radius(c) for c in radii.split(",") if c.strip()]
                ),
                work=replace(place, progress=progress),
                record=Record(
                    stamp=stamp,
                    provenance={"preset": work.config.preset, "run": run.name} | origin(run),
                ),
            )
        notes = [*result.notes, note]
        if len(part.test) < len(data.test):
            n = f"{len(part.test)} of {len(data.test)}"
            notes.append(f"Only {n} test images were used, spread evenly over both labels.")
        print_report(replace(result, notes=tuple(notes)), folder)


def print_report(result: "Evaluation", folder: Path) -> None:
    """Write the report's three files and show the table."""
    from hardsight.evaluation.wording import fraction_of_255, tags
    from hardsight.reports import write_report

    page = write_report(result, folder)
    table = Table("attack", "metric", "value", "95 % interval", "published", "flags")
    for row in result.rows:
        attack = f"{row.attack} {row.norm} {fraction_of_255(row.eps)}" if row.norm else row.attack
        v = row.mean
        published = "" if row.published is None else f"{row.published:.3f}"
        metric = f"{row.target} {row.metric}"
        interval, flags = f"{v.low:.3f} to {v.high:.3f}", ", ".join(tags(row.flags))
        table.add_row(attack, metric, f"{v.value:.3f}", interval, published, flags)
    console.print(table)
    say_report(page)
