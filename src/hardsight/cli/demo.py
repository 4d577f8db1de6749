"""``hardsight demo``: the whole job on the embedded photographs."""

import time
from pathlib import Path
from typing import Annotated

import typer

from hardsight.cli.console import console, explained, goes_on, say
from hardsight.cli.evaluate import print_report
from hardsight.cli.options import Device, Eps, Seed
from hardsight.cli.progress import told
from hardsight.core.outputs import check_folder

IMAGES = 24
"""Test images that are attacked, half of them good parts."""
CURVE = (4 / 255, 8 / 255)
"""Radii of the curve beside that of the rows."""


def demo(
    texture: Annotated[str, typer.Argument(help="brick, grass or gravel.")] = "brick",
    folder: Annotated[Path, typer.Option(help="Where data, run and report go.")] = Path("demo"),
    eps: Eps = "2/255",
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Write the embedded data, train, calibrate, attack and report: a few minutes on two cores.

    Started again, it goes on where it was. Example: `hardsight demo gravel --folder trial`
    """
    from hardsight.attacks import build_suite
    from hardsight.config import load_preset
    from hardsight.data import write_textures
    from hardsight.evaluation import Execution, Protocol, Record
    from hardsight.evaluation import evaluate as run_evaluation
    from hardsight.runs import open_detector_run, start_run

    begun = time.perf_counter()
    with explained(goes_on):
        check_folder(folder, "--folder")
        config = load_preset("demo")
        size = config.detector_settings["image_size"]
        photographs = write_textures(folder / "data", size=size, seed=seed)
        config = config.updated({"data.path": str(photographs / texture), "training.seed": seed})
        start_run(folder / texture, config, resume=True)
        run = open_detector_run(folder / texture)
        with told() as progress:
            fitted = run.finished
            detector = run.detector(device) if fitted else run.fit(device, progress=progress)
            suite = build_suite("eot-pgd", eps=eps, steps=10, draws=2, objectives=("score", "mean"))
            result = run_evaluation(
                detector,
                run.data().limited(IMAGES, balanced=True),
                [suite],
                protocol=Protocol(seed=seed, batch_size=IMAGES, curve=CURVE),
                execution=Execution(run.path / "evaluation" / "state", progress=progress),
                record=Record(provenance={"preset": "demo", "run": run.path.name}),
            )
        console.print()
        print_report(result, run.path / "evaluation")
        say(f"Done in {time.perf_counter() - begun:.0f} s. Open the report in a browser.")
