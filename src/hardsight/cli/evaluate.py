"""``hardsight evaluate``: how good, and how easily fooled."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hardsight.cli.beside import WRITTEN, evaluate_beside, print_inspected
from hardsight.cli.console import explained, goes_on, print_rows, say, say_report
from hardsight.cli.costs import print_costs
from hardsight.cli.options import (
    Address,
    AllowDataChange,
    AttackedAtOnce,
    AttackedEps,
    Beside,
    Device,
    EngineName,
    Limit,
    OtherData,
    RunFolder,
    Seed,
    Source,
    Synthetic,
    Workers,
    check_given,
    for_detectors,
    listed_numbers,
    not_with,
)
from hardsight.cli.progress import told
from hardsight.core.outputs import check_folder

if TYPE_CHECKING:
    from hardsight.evaluation import Evaluation
    from hardsight.runs import ClassifierRun, DetectorRun
    from hardsight.runs.figures import PurifierChoice

T_STAR = "100,25,50,200"
"""The usual depths of a purifier."""
NOT_BESIDE = (
    "path", "source", "submissions", "purify", "t_star", "purifier", "synthetic", "curve",
    "fresh_draws", "corruptions", "gallery", "batch_size", "max_minutes", "output", "engine",
    "workers", "address", "allow_data_change",
)  # fmt: skip
"""Arguments that an evaluation of two detectors does not have."""
OF_ATTACKS = (
    "eps", "source", "budget", "steps", "step_size", "draws", "restarts", "submissions",
)  # fmt: skip
"""Arguments that mean nothing where nothing is attacked but for a curve."""
SHOWN = ("attack", "ball", "target", "metric", "mean", "worst", "published", "flags")
"""Columns of the reports' table that are printed."""


class Denoising(StrEnum):
    """How a purifier denoises."""

    one_shot = "one-shot"
    ddim = "ddim"


def evaluate(
    context: typer.Context,
    run: RunFolder,
    path: OtherData = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            "--suite",
            "--attack",
            metavar="NAME",
            help="Attacks to run; `hardsight suites` lists them. Repeatable. Default: pgd and "
            "eot-pgd; of a classifier pgd and autoattack, or bpda-eot, blau-pgd and blau-eot if "
            "it is random; none: no attack.",
        ),
    ] = None,
    budget: Annotated[
        str, typer.Option(help="fast (20 steps, 4 draws) or full (100 steps, 20 draws, restarts).")
    ] = "fast",
    eps: AttackedEps = None,
    norm: Annotated[
        str | None,
        typer.Option(
            "--norm",
            "--threat",
            help="Linf, L2, light, pose, focus, sticker, low-frequency, universal (one change for "
            "all images) or perceptual (of SSIM), see `hardsight suites`. Default: Linf, or that "
            "of a classifier's training.",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of every attack.")] = None,
    step_size: Annotated[
        float | None, typer.Option(help="Length of a PGD step; default: by its steps.")
    ] = None,
    draws: Annotated[
        int | None, typer.Option(min=1, help="Noise draws a gradient averages.")
    ] = None,
    restarts: Annotated[int | None, typer.Option(min=1, help="Restarts of every attack.")] = None,
    submissions: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Attack and submit each image so often; it counts by the worst answer. Default: "
            "1; of resubmission 10.",
        ),
    ] = None,
    source: Source = None,
    beside: Beside = None,
    purify: Annotated[
        str | None,
        typer.Option(
            help="Put a purifier in front of a detector: the denoiser of this run of advrad or "
            "hardsight, or photographs, which comes with hardsight."
        ),
    ] = None,
    t_star: Annotated[
        str | None,
        typer.Option(
            help="Depths t* of --purify, comma-separated: the first is that of the table, and a "
            "curve of clean and attacked AUROC has them all. Default: 100,25,50,200."
        ),
    ] = None,
    purifier: Annotated[
        Denoising | None,
        typer.Option(help="How --purify denoises: in one step, or in many. Default: one-shot."),
    ] = None,
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
    corruptions: Annotated[
        bool,
        typer.Option(
            "--corruptions",
            help="Also look at the nineteen common corruptions, at five severities each: the "
            "change of AUROC and of the decisions at the threshold.",
        ),
    ] = False,
    gallery: Annotated[int, typer.Option(min=0, help="Images shown in the report.")] = 8,
    batch_size: AttackedAtOnce = None,
    seed: Seed = 0,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            min=0, help="Stop attacking after this long; the report says what is missing."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the report; default: RUN/evaluation."),
    ] = None,
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    device: Device = "auto",
    allow_data_change: AllowDataChange = False,
) -> None:
    """Score or classify the test set, attack it, and write the report (HTML, Markdown, JSON).

    It says first how long it will take; `--limit 8` is a first look. Killed and started again, it
    goes on where it was. With `--beside` it writes `beside.json` alone.

    Examples:

        # a first look, then all test images
        hardsight evaluate runs/bottle --eps 2/255 --limit 8
        hardsight evaluate runs/bottle --eps 2/255
        # nineteen common corruptions, nobody attacks
        hardsight evaluate runs/bottle --corruptions --suite none
        # a purifier in front, at three depths
        hardsight evaluate runs/bottle --purify photographs --t-star 100,50,200
        # two detectors, alone and side by side, under attacks of either and both
        hardsight evaluate runs/hardsight --beside runs/patchcore --suite pgd
        # a classifier
        hardsight evaluate runs/rap --suite fgsm --suite autoattack --eps 0.3
    """
    check_given(run, source, beside, device=device, data=path, purifier=purify)
    from hardsight.attacks import build_suite, default_eps
    from hardsight.audit.protocol import BATCH
    from hardsight.core.lock import locked
    from hardsight.evaluation import Execution, Protocol
    from hardsight.runs import open_run
    from hardsight.runs.figures import AttackChoice, ImageChoice, demand_effect, figures_of
    from hardsight.scale.opening import open_engine
    from hardsight.synthesis.corruptions.corruptions import SEVERITIES

    with explained(goes_on):
        opened = open_run(run)
        for_detectors(opened, synthetic=synthetic, purify=purify, t_star=t_star, purifier=purifier)
        asked: dict[str, Any] = {
            "steps": steps,
            "draws": draws,
            "restarts": restarts,
            "submissions": submissions,
            "step_size": step_size,
        }
        effort = {k: v for k, v in asked.items() if v is not None}
        attacks = AttackChoice(suite or (), norm, eps, budget, effort, curve, source)
        demand_effect(opened.subject, attacks.names(()), budget, effort)
        if attacks.unattacked:
            not_with(context, "--suite none", *OF_ATTACKS, *(() if curve else ("norm",)))
        if beside is not None:
            not_with(context, "--beside", *NOT_BESIDE)
            if attacks.unattacked or len(attacks.suites) > 1:
                raise ValueError(f"--beside takes one --suite, got {', '.join(attacks.suites)}")
            threat = norm or "Linf"
            (chosen,) = attacks.built(build_suite, ["pgd"], threat, eps or default_eps(threat))
            print_inspected(evaluate_beside(run, beside, chosen, limit, seed, device), chosen)
            say("All figures: ", (str(opened.reports / WRITTEN), "bold"))
            return
        folder = output or opened.reports / "evaluation"
        check_folder(folder, "--output")
        front = _purifier(purify, t_star, purifier)
        with told() as progress:
            planned = figures_of(opened, device, front, progress).evaluation(
                ImageChoice(path, limit, synthetic=synthetic, allow_data_change=allow_data_change),
                attacks,
                Protocol(
                    fresh_draws,
                    seed,
                    batch_size or BATCH[opened.subject],
                    gallery,
                    corruptions=SEVERITIES if corruptions else (),
                ),
            )
        with locked(folder), open_engine(engine, workers, address, device) as made:
            print_costs(planned.costs(), made.workers)
            with told() as progress:
                execution = Execution(folder / "state", max_minutes, progress, made)
                found = planned.carry_out(execution)
            say_measured(opened, found, folder)


def _purifier(
    source: str | None, depths: str | None, denoising: Denoising | None
) -> "PurifierChoice | None":
    """Return the purifier that the options name; None where they name none.

    Raises:
        ValueError: depths that are no numbers, or options of a purifier without one.
    """
    from hardsight.runs.figures import PurifierChoice

    if source is None:
        if depths is not None or denoising is not None:
            raise ValueError("--t-star and --purifier are of --purify, which is not there")
        return None
    refusal = f"--t-star={depths!r} must be whole numbers, as {T_STAR}"
    found = listed_numbers(T_STAR if depths is None else depths, int, refusal)
    return PurifierChoice(source, found, (denoising or Denoising.one_shot).value)


def say_measured(run: "DetectorRun | ClassifierRun", found: "Evaluation", folder: Path) -> None:
    """Write the report's three files and the run's card, show the table and say the verdict."""
    from hardsight.reports import write_report
    from hardsight.reports.evaluation import JUDGES
    from hardsight.reports.tables import columns, table_row

    page = write_report(found, folder)
    run.renew_card()
    heads = columns(found.kind)
    print_rows({k: heads[k][0] for k in SHOWN if k in heads}, map(table_row, found.rows))
    verdict = JUDGES[found.kind](found)
    for sentence in (verdict.headline, *(f.text for f in verdict.findings), *verdict.remarks):
        say(sentence)
    say_report(page)
