"""``hardsight benchmark``: methods x data x threats x seeds, one record each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hardsight.cli.console import console, errors, explained, goes_on, say
from hardsight.cli.jobs import Jobs
from hardsight.cli.options import Address, Device, EngineName, listed_devices, not_with, only_with
from hardsight.cli.options import Workers as WorkerCount
from hardsight.cli.pace import duration
from hardsight.core.outputs import check_folder
from hardsight.core.words import counted, quoted

NAMED = 3
"""Jobs without images that are named; of more, how many there are."""
NOT_VERIFIED = ("plan", "output", "data", "engine", "workers", "address", "dry_run")
"""Arguments that have nothing to do with an entry that is there already."""

if TYPE_CHECKING:
    from hardsight.benchmark import Estimate, Outcome


def benchmark(
    context: typer.Context,
    plan: Annotated[
        str | None,
        typer.Argument(metavar="PLAN", help="A YAML file, or a plan that comes along, e.g. smoke."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the entries and the fitted runs.")
    ] = Path("benchmark"),
    data: Annotated[
        str,
        typer.Option(
            envvar="HARDSIGHT_DATA", help="Root of the data sets that the plan names, or its URL."
        ),
    ] = ".",
    engine: EngineName = "local",
    workers: WorkerCount = None,
    address: Address = None,
    device: Device = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and how long it takes.")
    ] = False,
    verify: Annotated[
        Path | None,
        typer.Option(help="An entry: attack a random part of its images again, and compare."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Its run folder; default: the one beside the entry.")
    ] = None,
) -> None:
    """Fit, attack, audit and certify what a plan names; one JSON a measurement.

    Killed and started again, it goes on where it was, at a batch of images. Jobs take the devices
    in turn: `--device cuda:0,cuda:1 --workers 2`; on a cluster (`--engine ray`) the folders must be
    the same on every node.

    Examples:

        hardsight benchmark smoke
        hardsight benchmark plan.yaml --data ~/data --dry-run
        hardsight benchmark --verify mine.entry.json --run runs/mine
    """
    devices = listed_devices(device)
    from hardsight.benchmark import Places, Plan, Workers, carry_out, estimate
    from hardsight.core.devices import pick_device
    from hardsight.scale.opening import open_engine

    with explained(goes_on):
        if verify is not None:
            not_with(context, "--verify", *NOT_VERIFIED)
            say_verified(verify, run or verify.parent / "run", device)
            return
        if plan is None:
            raise ValueError("PLAN is missing: a YAML file, or smoke; or --verify ENTRY")
        only_with(context, "--verify", "run")
        check_folder(output, "--output")
        asked, places = Plan.read(plan), Places(output, data)
        say_missing([job.missing(places) for job in asked.jobs()])
        jobs = estimate(asked, places, pick_device(devices[0]))
        if dry_run:
            say_estimate(jobs, workers or 1)
            return
        with open_engine(engine, workers, address, devices[0]) as made:
            say_estimate(jobs, made.workers)
            with Jobs([job.name for job in asked.jobs()]) as shown:
                found = carry_out(asked, places, Workers(made, devices), shown)
        say_outcome(found, output)


def say_missing(lacking: list[str | None]) -> None:
    """Say which jobs lack their images, of many the first few."""
    found = [why for why in lacking if why]
    for why in found[:NAMED]:
        say(("missing:", "yellow"), f" {why}", to=errors)
    if len(found) > NAMED:
        more = counted(len(found) - NAMED, "more job")
        say(f"... and {more} without images", to=errors)


def say_estimate(jobs: "list[Estimate]", workers: int) -> None:
    """Say how much there is to do, and about how long it will take."""
    from hardsight.benchmark import START_UP

    due = [job for job in jobs if job.entries]
    known = [job.seconds for job in due if job.seconds is not None]
    if jobs and not due:
        say("All entries of the plan are there already", to=errors)
        return
    entries = sum(job.entries for job in due)
    took = duration(START_UP + sum(known) / min(workers, max(1, len(due))))
    rest = len(due) - len(known)
    times = [f"about {took}"] if known else []
    times += [f"{counted(rest, 'job')} whose time is not known"] if rest else []
    said = f": {' and '.join(times)}" if times else ""
    made = f"{entries} {'entry' if entries == 1 else 'entries'} in {counted(len(due), 'job')}"
    say(f"{made} to be made{said}", to=errors)


def say_verified(path: Path, run: Path, device: str) -> None:
    """Say whether an entry comes out again; exit with 1 if it does not."""
    from hardsight.benchmark import Entry, verify

    found = verify(Entry.read(path), run, device=device)
    table = Table("attack", "images", "difference, in spreads", "allowed", "agrees")
    for one in found:
        cells = (f"{one.difference:.3g}", f"{one.allowed:g}", "yes" if one.agrees else "no")
        table.add_row(one.attack, str(one.images), *cells)
    console.print(table)
    if not all(one.agrees for one in found):
        raise typer.Exit(1)


def say_outcome(found: "Outcome", output: Path) -> None:
    """Say what became of the jobs; exit with 1 where one failed."""
    for name, why in found.failed.items():
        say(("not measured:", "yellow"), f" {name}: {why}", to=errors)
    say(f"Entries: {output}. Next: hardsight leaderboard {quoted(output)} -o site")
    if found.failed:
        raise typer.Exit(1)
