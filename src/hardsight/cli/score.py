"""``hardsight score``: new images through a fitted detector."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from hardsight.cli.console import console, errors, explained
from hardsight.cli.options import Device, RunFolder

if TYPE_CHECKING:
    from hardsight.detectors import Detector

FIELDS = ("path", "score", "p_value", "anomalous", "error")


def score(
    run: RunFolder,
    images: Annotated[list[str], typer.Argument(help="Images, folders (searched below) or globs.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .csv or .jsonl file; default: CSV on stdout."),
    ] = None,
    overlays: Annotated[
        Path | None, typer.Option(help="Folder for heat maps drawn over the images.")
    ] = None,
    fail_on_anomaly: Annotated[
        bool, typer.Option(help="Exit with 2 if an image is anomalous.")
    ] = False,
    skip_unreadable: Annotated[
        bool, typer.Option(help="List unreadable images in the output and go on.")
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Images scored at a time.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the detector's noise.")] = 0,
    device: Device = "auto",
) -> None:
    """Score images; one line each, written as it is known, in constant memory.

    Exit code 0; 2 with `--fail-on-anomaly` when something was found.
    Example: `hardsight score runs/bottle new/ --overlays heat/ -o scores.csv`
    """
    from hardsight.data import iter_images
    from hardsight.runs import Run

    with explained(), ExitStack() as stack:
        detector = Run(run).detector(device)
        if output and output.suffix not in (".csv", ".jsonl"):
            raise ValueError(f"output={str(output)!r} must end in .csv or .jsonl")
        file = (
            stack.enter_context(output.open("w", newline="", encoding="utf-8"))
            if output
            else sys.stdout
        )
        found = unreadable = total = 0
        rows = _rows(detector, iter_images(images), overlays, skip_unreadable, batch_size, seed)
        for row in _written(rows, file, "jsonl" if output and output.suffix == ".jsonl" else "csv"):
            total += 1
            found += bool(row["anomalous"])
            unreadable += bool(row["error"])
        if unreadable:
            errors.print(
                f"[yellow]{unreadable} of {total} files could not be read; they are listed.[/]"
            )
        if output:
            console.print(f"{total} images, {found} anomalous: {output}", highlight=False)
    if fail_on_anomaly and found:
        raise typer.Exit(2)


def _rows(
    detector: "Detector",
    paths: Iterable[Path],
    overlays: Path | None,
    skip: bool,
    batch_size: int,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Score path by path, in order; a batch's noise depends on the seed and its place alone."""
    import torch

    from hardsight.data import ImageError, read_image
    from hardsight.evaluation.plots import heat, heat_scale

    generator = torch.Generator(detector.device).manual_seed(seed)
    calibration = detector.calibration
    paths = iter(paths)
    while group := list(islice(paths, batch_size)):
        rows: list[dict[str, Any]] = []
        images = []
        for path in group:
            row: dict[str, Any] = dict.fromkeys(FIELDS) | {"path": str(path)}
            rows.append(row)
            try:
                images.append(read_image(path, detector.image_size))
            except ImageError as error:
                if not skip:
                    raise
                row["error"] = error.reason
        good = [row for row in rows if row["error"] is None]
        if good:
            found = detector.predict(torch.stack(images), generator, batch_size)
            scores = found.pred_score.double().numpy()
            p = calibration.p_values(scores) if calibration else None
            for i, row in enumerate(good):
                row["score"] = float(scores[i])
                if calibration and p is not None:
                    row["p_value"] = float(p[i])
                    row["anomalous"] = bool(scores[i] > calibration.threshold)
                if overlays:
                    t = calibration.map_threshold if calibration else None
                    anomaly_map = found.anomaly_map[i, 0]
                    scale = (0.5 * t, 1.5 * t) if t else heat_scale([anomaly_map])
                    picture = heat(images[i], anomaly_map, None, scale, side=512)
                    name = "_".join(Path(row["path"]).with_suffix("").parts[-3:]).strip("/_")
                    overlays.mkdir(parents=True, exist_ok=True)
                    (overlays / f"{name}.jpg").write_bytes(picture)
        yield from rows


def _written(rows: Iterable[dict[str, Any]], file: TextIO, form: str) -> Iterator[dict[str, Any]]:
    """Pass the rows through, writing each at once."""
    table = csv.DictWriter(file, FIELDS) if form == "csv" else None
    if table:
        table.writeheader()
    for row in rows:
        if table:
            table.writerow(row)
        else:
            file.write(json.dumps(row) + "\n")
        file.flush()
        yield row
