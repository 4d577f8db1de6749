"""``hardsight demo``: the whole job on the embedded photographs."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hardsight.cli.console import console, explained, goes_on, say
from hardsight.cli.evaluate import say_measured
from hardsight.cli.options import Device, Eps, Seed, check_given
from hardsight.cli.progress import told
from hardsight.core.outputs import check_folder

if TYPE_CHECKING:
    from hardsight.core.progress import Progress
    from hardsight.evaluation import Evaluation
    from hardsight.runs import DetectorRun

SUITE = "eot-pgd"
"""The attack."""
EFFORT: dict[str, Any] = {"steps": 10, "draws": 2, "objectives": ("score", "mean")}
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

    Started again, it says what is there, and goes on where it was. To begin afresh, remove the
    folder, or name another.

    Examples:

        hardsight demo
        hardsight demo gravel --folder trial
    """
    check_given(device=device)
    from hardsight.attacks import build_suite
    from hardsight.config import load_preset
    from hardsight.core.lock import locked
    from hardsight.core.suggestions import choices
    from hardsight.data import TEXTURES, write_textures
    from hardsight.runs import open_detector_run, start_run, without_beginnings

    begun = time.perf_counter()
    with explained(goes_on):
        check_folder(folder, "--folder")
        if texture not in TEXTURES:
            raise ValueError(f"TEXTURE={texture!r} is not known; {choices(texture, TEXTURES)}")
        build_suite(SUITE, eps=eps, **EFFORT)  # refused before the training
        photographs, place = folder / "data", folder / texture
        config = load_preset("demo")
        config = config.updated({"data.path": str(photographs / texture), "training.seed": seed})
        with without_beginnings(place), locked(place):
            start_run(place, config, resume=True)
            run = open_detector_run(place)
            say_found(run)
            size = config.detector_settings["image_size"]
            write_textures(photographs, size=size, seed=seed)
            with told() as progress:
                if not run.finished:
                    run.fit(device, progress=progress)
                found = attacked(run, eps, seed, device, progress)
            console.print()
            say_measured(run, found, run.reports / "evaluation")
        say(f"Done in {time.perf_counter() - begun:.0f} s. Open the report in a browser.")


def say_found(run: "DetectorRun") -> None:
    """Say what of an earlier demo is used again, where it lies, and how to begin afresh."""
    from hardsight.runs import is_begun

    if not is_begun(run.path):
        return
    found = "a trained detector" if run.finished else "an interrupted training"
    if any(_state(run).glob("*/*")):
        found += " and attacked batches"
    say(
        f"An earlier demo left {found} in ",
        (str(run.path), "bold"),
        f"; what is finished is not done again. To begin afresh, remove {run.path}, or name "
        "another folder with --folder.",
    )


def attacked(
    run: "DetectorRun", eps: str, seed: int, device: str, progress: "Progress"
) -> "Evaluation":
    """Evaluate a run briefly: some of its test images, one attack, a short curve."""
    from hardsight.evaluation import Execution, Protocol
    from hardsight.runs.figures import AttackChoice, ImageChoice, figures_of

    planned = figures_of(run, device).evaluation(
        ImageChoice(limit=IMAGES, balanced=True),
        AttackChoice([SUITE], eps=eps, effort=EFFORT, curve=CURVE),
        Protocol(seed=seed, batch_size=IMAGES),
    )
    return planned.carry_out(Execution(_state(run), progress=progress))


def _state(run: "DetectorRun") -> Path:
    """Return the folder of the batches that an evaluation has finished."""
    return run.reports / "evaluation" / "state"
