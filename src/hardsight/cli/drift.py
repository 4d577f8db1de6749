"""``hardsight drift``: whether the parts of a line are still those of the calibration."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from hardsight.cli.console import beware, console, explained, say
from hardsight.cli.options import (
    Bits,
    Device,
    RunFolder,
    ScoredAtOnce,
    Seed,
    check_given,
    not_with,
)
from hardsight.cli.rows import Reader, Tally, scored
from hardsight.core.outputs import check_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hardsight.data import Frame
    from hardsight.detectors import Detector
    from hardsight.evaluation.drift import Alarm, Watched

    Values = dict[str, NDArray[np.float64]]

OnceIn = Annotated[
    int,
    typer.Option(min=2, help="Parts in which one false alarm of drift is tolerated, on average."),
]


def drift(
    context: typer.Context,
    run: RunFolder,
    parts: Annotated[
        list[str],
        typer.Argument(
            metavar="PARTS",
            help="Images, folders or globs, in the order in which they were taken; or one .csv or "
            ".jsonl file that `score` or `watch` wrote.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write; default: RUN/drift.")
    ] = None,
    once_in: OnceIn = 10_000,
    batch_size: ScoredAtOnce = 8,
    seed: Seed = 0,
    bits: Bits = None,
    device: Device = "auto",
) -> None:
    """Tell whether parts that came one after the other have drifted; write a chart and JSON.

    Scores, and of images brightness, contrast and sharpness, are held against those of the run's
    good parts and of all parts before, by a conformal test: while nothing changes, a false alarm is
    raised at most once in so many parts, on average. Many defective parts are a change too.

    Exit code 0; 2 when an alarm was raised, else 1 when images could not be read, which are named
    and left out.

    Examples:

        hardsight drift runs/bottle today/
        hardsight drift runs/bottle scores.csv --once-in 1000
    """
    check_given(run, device=device)
    from hardsight.core.lock import locked
    from hardsight.evaluation.drift import DriftMonitor
    from hardsight.reports.drift import write_drift
    from hardsight.runs import SCORE, drift_references, open_detector_run

    tally = Tally()
    table = len(parts) == 1 and Path(parts[0]).suffix in (".csv", ".jsonl")
    with explained():
        if table:
            not_with(context, parts[0], "batch_size", "bits", "device")
        opened = open_detector_run(run)
        folder = output or opened.reports / "drift"
        check_folder(folder, "--output")
        with locked(folder):
            if table:
                found: Values = {SCORE: scores_of(Path(parts[0]))}
            else:
                detector = opened.deciding(device)
                found = _values(detector, Reader.of(detector, batch_size, bits), parts, tally)
            references = {k: v for k, v in drift_references(opened).items() if k in found}
            monitor = DriftMonitor(references, once_in, seed)
            watched = monitor.add(found)
            chart = write_drift(watched, monitor.alarms, once_in, folder)
        console.print(_table(watched, monitor.alarms))
        say(
            f"While nothing changes, at most one false alarm in {once_in:,} parts, on average: the "
            "evidence is in shares of its limit."
        )
        if monitor.parts < (fewest := monitor.fewest_parts):
            counted = f"{monitor.parts} part{'s' * (monitor.parts != 1)}"
            beware(
                f"{counted} can raise no alarm, whatever they show: it takes at least {fewest}, or "
                "a lower --once-in."
            )
        say("Chart: ", (str(chart), "bold"))
    if monitor.alarms:
        raise typer.Exit(2)
    if tally.unreadable:
        raise typer.Exit(1)


def drift_values(rows: Iterable[Mapping[str, Any]], frames: "Iterable[Frame]") -> "Values":
    """Return stream -> (n,) values of what is readable in a batch, as ``scored`` yields it."""
    import numpy as np
    import torch

    from hardsight.evaluation.distribution_shift import image_statistics
    from hardsight.runs import SCORE

    images = [frame.image for frame in frames if frame.image is not None]
    scores = [row["score"] for row in rows if row["score"] is not None]
    measured = image_statistics(torch.stack(images) if images else torch.empty(0, 3, 1, 1))
    return {SCORE: np.asarray(scores, np.float64), **measured}


def scores_of(path: Path) -> "NDArray[np.float64]":
    """Read the scores (N,) of a file that ``score`` or ``watch`` wrote, without unreadable images.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no scores, or those that two detectors share.
    """
    import numpy as np

    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = csv.DictReader(file) if path.suffix == ".csv" else map(json.loads, file)
        values, shared = [], False
        try:
            for row in rows:
                values.append(row["score"])
                shared |= "decision" in row
            scores = np.array([float(v) for v in values if v not in (None, "")])
        except (csv.Error, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} has no column of scores ({error}); name a file that hardsight score wrote"
            ) from error
    if shared:
        raise ValueError(
            f"{path} holds decisions of two detectors, whose scores are not those of one; score "
            "without --beside, or watch both with hardsight watch --beside RUN --drift FILE"
        )
    if not scores.size:
        raise ValueError(f"{path} holds no score")
    return scores


def _values(detector: "Detector", reader: Reader, parts: list[str], tally: Tally) -> "Values":
    """Score images and measure them; name those that cannot be read.

    Args:
        detector: that decides.
        reader: of its images.
        parts: files, folders or globs.
        tally: of what was read.

    Raises:
        ValueError: none can.
    """
    import numpy as np

    from hardsight.data import iter_images

    found = []
    for rows, frames in scored(detector, reader.batches(iter_images(parts))):
        tally.add(rows, frames)
        if any(frame.image is not None for frame in frames):
            found.append(drift_values(rows, frames))
    tally.complain()
    if not found:
        raise ValueError(f"none of the {tally.total} files could be read, so nothing is known")
    return {name: np.concatenate([values[name] for values in found]) for name in found[0]}


def _table(watched: "Mapping[str, Watched]", alarms: "list[Alarm]") -> Table:
    table = Table("stream", "parts", "highest evidence", "first alarm")
    for name, one in watched.items():
        first = next((str(alarm.part) for alarm in alarms if alarm.stream == name), "none")
        highest = f"{one.evidence.max(initial=0.0):.3g}"
        table.add_row(name, str(one.evidence.size), highest, first)
    return table
