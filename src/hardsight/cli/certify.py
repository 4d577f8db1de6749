"""``hardsight certify``: what no perturbation within a radius can do."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from hardsight.cli.classes import certify_classes
from hardsight.cli.console import console, explained, say, say_report
from hardsight.cli.options import AllowDataChange, Device, Limit, OtherData, RunFolder, Seed
from hardsight.cli.progress import told

if TYPE_CHECKING:
    from hardsight.evaluation.certified.results import Certification


def certify(
    run: RunFolder,
    sigma: Annotated[
        float, typer.Option(help="Standard deviation of the smoothing noise, pixels from 0 to 1.")
    ] = 0.125,
    choose_sigma: Annotated[
        bool,
        typer.Option(help="Choose sigma on validation normals and synthetic defects."),
    ] = False,
    sigmas: Annotated[
        str, typer.Option(help="Candidates of --choose-sigma, comma-separated.")
    ] = "0.0625,0.125,0.25",
    n: Annotated[int, typer.Option(min=1, help="Noisy copies of each image.")] = 1000,
    alpha: Annotated[float, typer.Option(help="Probability that a statement is false.")] = 0.001,
    radii: Annotated[str, typer.Option(help="L2 radii, comma-separated.")] = "0,0.05,0.1,0.2",
    design: Annotated[
        list[str] | None,
        typer.Option(
            help="plain: the detector with its own noise; single: with one draw of it; denoise: "
            "one noise for both; as-is. Repeat it to compare. Default: plain."
        ),
    ] = None,
    early_stopping: Annotated[
        bool,
        typer.Option(help="Only decide at the largest radius, with as few copies as it takes."),
    ] = False,
    limit: Limit = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(help="Start no further image after this long, for each design."),
    ] = None,
    pixels: Annotated[int, typer.Option(min=0, help="Images whose pixels are certified.")] = 6,
    batch_size: Annotated[int, typer.Option(min=1, help="Noisy copies scored at a time.")] = 32,
    seed: Seed = 0,
    path: OtherData = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the report; default: RUN/certificate."),
    ] = None,
    device: Device = "auto",
    allow_data_change: AllowDataChange = False,
) -> None:
    """Certify the smoothed detector on the test set, and write the report (HTML, Markdown, JSON).

    Killed and started again, it goes on where it was. Example:
    `hardsight certify runs/bottle --sigma 0.125 --n 1000 --radii 0,0.05,0.1,0.2`

    Of a classifier, plain or behind RAP or a one-shot purifier, it certifies the accuracy of the
    majority vote; what chooses sigma, designs and pixels is for detectors. Example:
    `hardsight certify runs/digits --sigma 0.25 --limit 500`
    """
    from hardsight.detectors.evidence import shares
    from hardsight.evaluation import Record, Smoothing, Terms, Voting, Work
    from hardsight.evaluation import certify as run_certification
    from hardsight.evaluation import choose_sigma as choose
    from hardsight.runs import ClassifierRun, open_run

    with explained(f"Go on with the same command: hardsight certify {run} ..."):
        asked = _numbers(radii, "radii")
        work = open_run(run)
        folder = output or work.path / "certificate"
        terms = Terms(sigma, n, alpha, radii=tuple(sorted(set(asked))))
        place = Work(folder / "state", max_minutes)
        if isinstance(work, ClassifierRun):
            given = {
                "--design": design,
                "--choose-sigma": choose_sigma,
                "--early-stopping": early_stopping,
            }
            if used := [name for name, value in given.items() if value]:
                raise ValueError(
                    f"{' and '.join(used)}: for detectors only, and {run} holds a classifier; "
                    "leave them out"
                )
            test = work.labelled("test", path, allow_data_change)
            voting = Voting(batch_size=batch_size, seed=seed)
            certify_classes(work, test, limit, device, folder, terms, voting, place)
            return
        detector, data = work.tested(device, path, allow_data_change)
        data = data.limited(limit) if limit else data
        judged = work.config.fit.selection is not None or choose_sigma
        choosing, calibrating = shares(data.validation.images(), judged)
        found = []
        for name in dict.fromkeys(design or ["plain"]):
            provenance = {"preset": work.config.preset, "run": work.path.name}
            with told() as progress:
                smoothing = Smoothing(name, early_stopping, pixels, None, batch_size, seed)
                if choose_sigma:
                    choice = choose(
                        detector,
                        data,
                        terms,
                        _numbers(sigmas, "sigmas"),
                        smoothing=smoothing,
                        normals=choosing,
                        work=replace(place, max_minutes=None, progress=progress),
                    )
                    terms = replace(terms, sigma=choice.sigma)
                    provenance["sigma"] = choice.statement
                found.append(
                    run_certification(
                        detector,
                        data,
                        terms,
                        smoothing=smoothing,
                        normals=calibrating,
                        work=replace(place, progress=progress),
                        record=Record(provenance=provenance),
                    )
                )
        print_certificate(found, folder)


def print_certificate(found: "list[Certification]", folder: Path) -> None:
    """Write the report's three files and show a table of each design."""
    from hardsight.reports import certified_scores as words
    from hardsight.reports import write_report

    page = write_report(found, folder, "certificate")
    for c in found:
        rows = [words.cells(c, point) for point in c.rows]
        headings = {k: v for k, (v, _) in words.COLUMNS.items() if k != "design"}
        if all(row["needed"][0] == "-" for row in rows):
            del headings["needed"]
        table = Table(*headings.values(), title=", ".join(rows[0]["design"]))
        for row in rows:
            table.add_row(*(_cell(*row[k]) for k in headings))
        console.print(table)
        for finding in words.findings(c):
            say(finding.text)
    say_report(page)


def _cell(value: str, beside: str) -> Text:
    """Return a figure, and in a second line what stands beside it."""
    return Text.assemble(value, (f"\n{beside}", "dim")) if beside else Text(value)


def _numbers(text: str, name: str) -> list[float]:
    """Parse comma-separated numbers."""
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError(
            f"{name}={text!r} must be numbers with commas between, e.g. 0,0.05,0.1"
        ) from None
