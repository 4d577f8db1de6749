"""``hardsight score``: new images through a fitted detector."""

from pathlib import Path
from typing import Annotated

import typer

from hardsight.cli.beside import deciding
from hardsight.cli.console import explained, say
from hardsight.cli.options import (
    Address,
    Beside,
    Bits,
    Device,
    EngineName,
    FailOnAnomaly,
    NoiseSeed,
    Overlays,
    RunFolder,
    ScoredAtOnce,
    Scores,
    Workers,
    check_given,
)
from hardsight.cli.overlays import check_overlays
from hardsight.cli.rows import Reader, Tally
from hardsight.cli.sharing import Scoring
from hardsight.cli.table import check_output, table


def score(
    run: RunFolder,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES",
            help="Images, folders (searched below) or globs, here or at s3://BUCKET/FOLDER, gs://, "
            "az://; or lists of them, .txt or .csv.",
        ),
    ],
    beside: Beside = None,
    output: Scores = None,
    overlays: Overlays = None,
    fail_on_anomaly: FailOnAnomaly = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Exit with 0 in spite of unreadable images.")
    ] = False,
    batch_size: ScoredAtOnce = 8,
    seed: NoiseSeed = None,
    bits: Bits = None,
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    device: Device = "auto",
) -> None:
    """Score images; one line each, written as it is known, in constant memory.

    An unreadable image has a row with its error, is named again at the end, and makes the exit code
    1; all others are scored. Otherwise it is 0, or 2 with `--fail-on-anomaly` when something was
    found. Several workers, or a cluster whose nodes see the same folders, share the batches. Images
    in object storage are fetched one by one (extra `remote`), by each worker its own.

    Columns: `path`; `score`; `p_value`, the chance that a good part scores so high; `anomalous`,
    whether it is above the threshold; `error`. With `--beside` instead of `anomalous` a `decision`,
    good, suspicious or defect, and `p_robust` and `p_suspicion`, the chances that a good part is as
    conspicuous to RUN, or as suspicious; `score` is the larger excess over the two thresholds.

    Examples:

        hardsight score runs/bottle new/ --overlays heat/ -o scores.csv
        # two detectors decide between good, suspicious and defect
        hardsight score runs/hardsight new/ --beside runs/patchcore
        hardsight score runs/bottle archive/ --workers 4 -o scores.csv
        hardsight score runs/bottle s3://line-3/2026-11/ -o scores.csv
    """
    check_given(run, beside, device=device, images=images)
    from hardsight.core.engine import HERE
    from hardsight.data import iter_sources
    from hardsight.runs import open_detector_run
    from hardsight.scale.opening import open_engine

    tally = Tally()
    with explained(lambda: _kept(output, tally)):
        check_output(output, images)
        check_overlays(overlays, [Path(name) for name in images if Path(name).is_dir()])
        decider = deciding(open_detector_run(run), beside, device, seed, overlays)
        reader = Reader.of(decider.detector, batch_size, bits)
        shared = Scoring(run, beside, device, seed, overlays, reader)
        sources = iter_sources(images)
        with (
            open_engine(engine, workers, address, device) as made,
            table(output, decider.fields) as lines,
        ):
            alone = made is HERE  # reads while it scores
            found = decider.rows(reader.batches(sources)) if alone else shared.rows(made, sources)
            for rows, read in found:
                lines.write(rows)
                tally.add(rows, read)
        tally.complain()
        if output:
            say(f"{tally.found}: {output}")
    if tally.unreadable and not skip_unreadable:
        raise typer.Exit(1)
    if fail_on_anomaly and tally.anomalous:
        raise typer.Exit(2)


def _kept(output: Path | None, tally: Tally) -> str:
    """Say what is left of a table that was not finished."""
    if output is None:
        return "the rows above are all there is; --output scores.csv keeps them in a file"
    return f"{output} holds the {tally.total} images that were scored; begun again, it is made anew"
