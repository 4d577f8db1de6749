"""``hardsight score``: new images through a fitted detector."""

from pathlib import Path
from typing import Annotated

import typer

from hardsight.cli.beside import deciding
from hardsight.cli.console import explained, say
from hardsight.cli.options import (
    Beside,
    Bits,
    Device,
    FailOnAnomaly,
    NoiseSeed,
    Overlays,
    RunFolder,
    ScoredAtOnce,
    Scores,
)
from hardsight.cli.rows import Tally, check_overlays, file_batches, table


def score(
    run: RunFolder,
    images: Annotated[list[str], typer.Argument(help="Images, folders (searched below) or globs.")],
    beside: Beside = None,
    output: Scores = None,
    overlays: Overlays = None,
    fail_on_anomaly: FailOnAnomaly = False,
    skip_unreadable: Annotated[
        bool, typer.Option(help="List unreadable images in the output and go on.")
    ] = False,
    batch_size: ScoredAtOnce = 8,
    seed: NoiseSeed = None,
    bits: Bits = None,
    device: Device = "auto",
) -> None:
    """Score images; one line each, written as it is known, in constant memory.

    Exit code 0; 2 with `--fail-on-anomaly` when something was found.
    Example: `hardsight score runs/bottle new/ --overlays heat/ -o scores.csv`

    Two detectors side by side decide between good, suspicious and defect:
    `hardsight score runs/hardsight new/ --beside runs/patchcore`
    """
    from hardsight.runs import open_detector_run

    tally = Tally()
    with explained():
        check_overlays(overlays, [Path(name) for name in images if Path(name).is_dir()])
        decider = deciding(open_detector_run(run), beside, device, seed, overlays)
        batches = file_batches(decider.detector, images, batch_size, bits, skip_unreadable)
        with table(output, decider.fields) as lines:
            for rows, read in decider.rows(batches):
                lines.write(rows)
                tally.add(rows, read)
        tally.complain()
        if output:
            say(f"{tally.total} images, {tally.anomalous} anomalous: {output}")
    if fail_on_anomaly and tally.anomalous:
        raise typer.Exit(2)
