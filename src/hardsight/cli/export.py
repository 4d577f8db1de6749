"""``hardsight export``: a fitted detector as a graph for other runtimes."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hardsight.cli.console import console, explained, say
from hardsight.cli.options import AllowDataChange, OtherData, RunFolder, Seed, check_given
from hardsight.core.folders import real_path
from hardsight.core.outputs import check_folder
from hardsight.core.words import quoted


class To(StrEnum):
    """Formats."""

    onnx = "onnx"
    openvino = "openvino"


class Precision(StrEnum):
    """Precisions."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


def export(
    run: RunFolder,
    to: Annotated[To, typer.Option(help="Format of the graph.")] = To.onnx,
    int8: Annotated[
        bool, typer.Option("--int8", help="Quantise to 8 bits after training; OpenVINO only.")
    ] = False,
    precision: Annotated[
        Precision, typer.Option(help="What OpenVINO computes in; auto: the faster one there.")
    ] = Precision.fp32,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder to write; default: RUN/exported."),
    ] = None,
    path: OtherData = None,
    seed: Seed = 0,
    allow_data_change: AllowDataChange = False,
) -> None:
    """Write the detector's graph, its threshold and its settings into a folder.

    The threshold is set anew on the run's held-out normals, through the graph. The folder takes the
    run's place wherever no gradient is needed: `hardsight score`, `watch`, `serve`, `certify`, and
    `evaluate` with `--suite square`, or `--suite grey-box --source RUN`.

    Needs the extra `onnx` or `openvino`.

    Examples:

        hardsight export runs/bottle --to openvino -o bottle/
        hardsight score bottle/ new/
    """
    check_given(run, data=path)
    from hardsight.core.lock import locked
    from hardsight.export import Target
    from hardsight.export import export as write
    from hardsight.runs import CONFIG, EXPORTED, MANIFEST, STATISTICS_FILE, open_detector_run

    with explained():
        target = Target(to.value, int8, precision.value)
        work = open_detector_run(run)
        folder = output or work.reports / EXPORTED
        check_folder(folder, "--output")
        in_run = real_path(folder).is_relative_to(real_path(work.reports))
        with locked(work.reports) if in_run else locked(folder, beside=True):
            target.demand_installed()
            detector, data = work.opened("cpu", path, allow_data_change)
            found, compared = write(
                detector,
                data,
                folder,
                target,
                selected=work.config.fit.splits_validation,
                seed=seed,
                extra=tuple(work.path / name for name in (CONFIG, MANIFEST, STATISTICS_FILE)),
            )
        table = Table("", "AUROC", "difference", "ms an image", "speed")
        first = next(iter(compared.values()))
        for name, c in compared.items():
            table.add_row(
                name,
                f"{c.auroc:.4f}",
                f"{c.auroc - first.auroc:+.4f}",
                f"{1000 * c.seconds:.1f}",
                f"{first.seconds / c.seconds:.2f}x",
            )
        console.print(table)
        say("On validation normals and synthetic defects; timed one image at a time, in turns.")
        if found.calibration:
            say(found.calibration.statement)
        say("The export is in ", (str(folder), "bold"), ".")
        say(f"Next: hardsight score {quoted(folder)} IMAGES")
