"""``hardsight demo``: the whole job on the embedded photographs."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hardsight.cli.console import console, explained, goes_on, say
from hardsight.cli.evaluate import say_measured
from hardsight.cli.options import Device, Eps, Seed, check_given
from hardsight.cli.progress import told
from hardsight.core.outputs import check_folder

if TYPE_CHECKING:
    from hardsight.core.types import Progress
    from hardsight.evaluation import Evaluation
    from hardsight.runs import DetectorRun

EFFORT = {"steps": 10, "draws": 2, "objectives": ("score", "mean")}
"""What the attack takes in place of the budget's."""
IMAGES = 24
"""Test images that are attacked, half of them good parts."""
CURVE = "4/255,8/255"
"""Radii of the curve beside that of the rows."""


def demo(
    texture: Annotated[
        str, typer.Argument(metavar="TEXTURE", help="brick, grass or gravel.")
    ] = "brick",
    folder: Annotated[Path, typer.Option(help="Where data, run and report go.")] = Path("demo"),
    eps: Eps = "2/255",
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Write the embedded data, train, calibrate, attack and report: a few minutes on two cores.

    Started again, it goes on where it was.

    Examples:

        hardsight demo
        hardsight demo gravel --folder trial
    """
    check_given(device=device)
    from hardsight.config import load_preset
    from hardsight.core.lock import locked
    from hardsight.data import write_textures
    from hardsight.runs import open_detector_run, start_run

    begun = time.perf_counter()
    with explained(goes_on):
        check_folder(folder, "--folder")
        config = load_preset("demo")
        size = config.detector_settings["image_size"]
        photographs = write_textures(folder / "data", size=size, seed=seed)
        config = config.updated({"data.path": str(photographs / texture), "training.seed": seed})
        with locked(folder / texture):
            start_run(folder / texture, config, resume=True)
            run = open_detector_run(folder / texture)
            with told() as progress:
                if not run.finished:
                    run.fit(device, progress=progress)
                found = attacked(run, eps, seed, device, progress)
            console.print()
            say_measured(run, found, run.reports / "evaluation")
        say(f"Done in {time.perf_counter() - begun:.0f} s. Open the report in a browser.")


def attacked(
    run: "DetectorRun", eps: str, seed: int, device: str, progress: "Progress"
) -> "Evaluation":
    """Evaluate a run briefly: some of its test images, one attack, a short curve."""
    from hardsight.evaluation import Execution, Protocol
    from hardsight.runs.figures import AttackChoice, ImageChoice, figures_of

    planned = figures_of(run, device).evaluation(
        ImageChoice(limit=IMAGES, balanced=True),
        AttackChoice(["eot-pgd"], eps=eps, effort=EFFORT, curve=CURVE),
        Protocol(seed=seed, batch_size=IMAGES),
    )
    state = run.reports / "evaluation" / "state"
    return planned.carry_out(Execution(state, progress=progress))
