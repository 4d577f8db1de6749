"""``hardsight certify``: what no perturbation within a radius can do."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hardsight.cli.console import console, explained, goes_on, print_rows, say, say_report
from hardsight.cli.options import (
    Address,
    AllowDataChange,
    Device,
    EngineName,
    Limit,
    OtherData,
    RunFolder,
    Seed,
    Workers,
    check_given,
    for_detectors,
    listed_numbers,
    not_with,
    only_with,
)
from hardsight.cli.progress import told
from hardsight.core.outputs import check_folder

if TYPE_CHECKING:
    from hardsight.reports.certificate import Certificate

SIGMAS, PIXELS = "0.0625,0.125,0.25", 6


def certify(
    context: typer.Context,
    run: RunFolder,
    sigma: Annotated[
        float, typer.Option(help="Standard deviation of the smoothing noise, pixels from 0 to 1.")
    ] = 0.125,
    choose_sigma: Annotated[
        bool,
        typer.Option(
            "--choose-sigma", help="Choose sigma on validation normals and synthetic defects."
        ),
    ] = False,
    sigmas: Annotated[
        str | None,
        typer.Option(help=f"Candidates of --choose-sigma, comma-separated. Default: {SIGMAS}."),
    ] = None,
    n: Annotated[int, typer.Option(min=1, help="Noisy copies of each image.")] = 1000,
    alpha: Annotated[
        float,
        typer.Option(
            help="Failure probability: that a statement is false. Its confidence is 1 - alpha."
        ),
    ] = 0.001,
    radii: Annotated[str, typer.Option(help="L2 radii, comma-separated.")] = "0,0.05,0.1,0.2",
    design: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="plain: the detector with its own noise; single: with one draw of it; denoise: "
            "one noise for both; as-is. Repeat it to compare. Default: plain.",
        ),
    ] = None,
    early_stopping: Annotated[
        bool,
        typer.Option(
            "--early-stopping",
            help="Only decide at the largest radius, with as few copies as it takes.",
        ),
    ] = False,
    attack: Annotated[
        list[str] | None,
        typer.Option(
            "--attack",
            "--suite",
            metavar="NAME",
            help="Also attack the smoothed model in L2 at every radius above 0: what is left is "
            "drawn beside what is certified. Repeatable; `hardsight suites` lists them.",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of --attack.")] = None,
    draws: Annotated[
        int | None, typer.Option(min=1, help="Noisy copies that a gradient of --attack averages.")
    ] = None,
    limit: Limit = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(min=0, help="Start no further image after this long, for each design."),
    ] = None,
    pixels: Annotated[
        int | None,
        typer.Option(min=0, help=f"Images whose pixels are certified. Default: {PIXELS}."),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Noisy copies scored at a time; by default 32, on a CPU 8 to 32 by size."
        ),
    ] = None,
    seed: Seed = 0,
    path: OtherData = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the report; default: RUN/certificate."),
    ] = None,
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    device: Device = "auto",
    allow_data_change: AllowDataChange = False,
) -> None:
    """Certify the smoothed detector or classifier, and write the report (HTML, Markdown, JSON).

    Killed and started again, it goes on where it was.

    Of a classifier, plain or behind RAP or a one-shot purifier, it certifies the accuracy of the
    majority vote; what chooses sigma, designs and pixels is for detectors.

    Examples:

        hardsight certify runs/bottle --sigma 0.125 --n 1000 --radii 0,0.1,0.2
        # a classifier, certified and attacked
        hardsight certify runs/digits --sigma 0.25 --limit 500 --attack eot-pgd
    """
    check_given(run, device=device, data=path)
    from hardsight.core.lock import locked
    from hardsight.evaluation import Execution, Smoothing, Terms
    from hardsight.runs import open_run
    from hardsight.runs.figures import CertificateChoice, ImageChoice, demand_effect, figures_of
    from hardsight.scale.opening import open_engine

    with explained(goes_on):
        if choose_sigma:
            not_with(context, "--choose-sigma", "sigma")
        else:
            only_with(context, "--choose-sigma", "sigmas")
        if not attack:
            only_with(context, "--attack", "steps", "draws")
        candidates = _numbers(SIGMAS if sigmas is None else sigmas, "sigmas")
        terms = Terms(sigma, n, alpha, radii=tuple(sorted(set(_numbers(radii, "radii")))))
        opened = open_run(run)
        folder = output or opened.reports / "certificate"
        check_folder(folder, "--output")
        for_detectors(
            opened,
            design=design,
            choose_sigma=choose_sigma,
            sigmas=sigmas,
            early_stopping=early_stopping,
            pixels=pixels,
        )
        smoothing = Smoothing(
            early_stopping=early_stopping,
            pixels=PIXELS if pixels is None else pixels,
            batch_size=batch_size,
            seed=seed,
        )
        asked = {"steps": steps, "draws": draws}
        effort = {k: v for k, v in asked.items() if v is not None}
        choice = CertificateChoice(
            terms,
            smoothing,
            design or ["plain"],
            candidates if choose_sigma else (),
            attack or (),
            effort=effort,
        )
        demand_effect(opened.subject, choice.attacks, choice.budget, effort)
        images = ImageChoice(path, limit, allow_data_change=allow_data_change)
        with locked(folder):
            with told() as progress, open_engine(engine, workers, address, device) as made:
                execution = Execution(folder / "state", max_minutes, progress, made)
                found = figures_of(opened, device).certificates(images, choice, execution)
            print_certificate(found, folder)
            opened.renew_card()


def print_certificate(found: "Sequence[Certificate]", folder: Path) -> None:
    """Write the report's three files, show a table of each design and what it says, and attacks."""
    from hardsight.reports import write_report
    from hardsight.reports.certificate import attacks, read, table

    page = write_report(found, folder, "certificate")
    for certificate in found:
        reading = read(certificate)
        heads = {k: head for k, (head, _) in table(certificate).columns.items() if k != "design"}
        print_rows(heads, reading.rows, reading.name)
        for sentence in (*(f.text for f in reading.findings), *reading.remarks):
            say(sentence)
    if rows := attacks(found):
        attacked = Table(*table(found[0]).attack_heads, title="Attacks on the smoothed model")
        for row in rows:
            attacked.add_row(*row)
        console.print(attacked)
    say_report(page)


def _numbers(text: str, name: str) -> list[float]:
    refusal = f"{name}={text!r} must be numbers with commas between, e.g. 0,0.05,0.1"
    return listed_numbers(text, float, refusal)
