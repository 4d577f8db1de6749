"""``hardsight fit``: from a folder of good parts to a detector, from labels to a classifier."""

import logging
import shlex
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from hardsight.cli.console import console, errors, explained, goes_on, say, typed
from hardsight.cli.jobs import Jobs
from hardsight.cli.options import (
    Address,
    AllowDataChange,
    Device,
    EngineName,
    FalseAlarms,
    check_data_named,
    check_given,
    listed_devices,
)
from hardsight.cli.options import Workers as WorkerCount
from hardsight.cli.progress import told
from hardsight.core.near import near_names, subfolders
from hardsight.core.outputs import check_folder
from hardsight.core.run_folders import CONFIG, RunError

if TYPE_CHECKING:
    from hardsight.config import Config
    from hardsight.core.engine import Workers
    from hardsight.runs import DetectorRun


def fit(
    preset: Annotated[
        str | None,
        typer.Argument(
            metavar="PRESET",
            help="A preset's name, or a .yaml file. Default: advrad, or with --resume what the run "
            "was begun with.",
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="A data set in a known layout, a CSV list of images, or a folder with good/ and "
            "bad/; for a classifier the files of MNIST or CIFAR-10. Or its URL (s3://...).",
        ),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Category below --data; repeatable, or all: one model of them together.",
        ),
    ] = None,
    normal_dir: Annotated[str | None, typer.Option(help="Folder of normal images.")] = None,
    abnormal_dir: Annotated[str | None, typer.Option(help="Folder of anomalous images.")] = None,
    mask_dir: Annotated[str | None, typer.Option(help="Folder of their masks.")] = None,
    each: Annotated[
        bool,
        typer.Option(
            "--each",
            help="A model of its own for each category (all, or those named), in a folder of its "
            "name below --run.",
        ),
    ] = False,
    run: Annotated[Path, typer.Option(help="The run folder to write.")] = Path("runs/latest"),
    size: Annotated[
        int | None, typer.Option(help="Side of the square image, pixels. Default: the preset's.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Training steps. Default: the preset's.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Run or saved detector whose networks are trained on, photographs (a denoiser of "
            "natural photographs that comes with hardsight), or none. --steps 0 keeps the "
            "denoiser. Default: the preset's."
        ),
    ] = None,
    normals: Annotated[
        int | None,
        typer.Option(min=2, help="Train on so many normal images (of each category) only."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all randomness. Default: the preset's.")
    ] = None,
    select: Annotated[
        bool | None,
        typer.Option(help="Choose how to score on validation data, or keep the preset's."),
    ] = None,
    false_alarms: FalseAlarms = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other setting, e.g. --set training.batch_size=8. Repeatable.",
        ),
    ] = None,
    skip_unreadable: Annotated[
        bool,
        typer.Option(
            "--skip-unreadable",
            help="Leave out unreadable images and list them, instead of stopping.",
        ),
    ] = False,
    engine: EngineName = "local",
    workers: WorkerCount = None,
    address: Address = None,
    device: Device = "auto",
    devices: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of devices (or CPU processes) that one model is trained on."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run.")
    ] = False,
    allow_data_change: AllowDataChange = False,
) -> None:
    """Train a detector on normal images, choose its open settings, calibrate its threshold.

    The data hold `train/good` and `test/...`, as MVTec AD does, or `good/` and optionally `bad/`
    and `masks/`. With `--each` every category gets a model of its own, beside each other, on
    devices in turn (`--device cuda:0,cuda:1 --workers 2`) or on a cluster (`--engine ray`);
    `--resume` keeps what is finished. A preset of a classifier trains it with its defence on images
    with classes; one that is there already is taken with `--set classifier.run=runs/cnn`.

    Examples:

        # a minute; the best ranking while nobody attacks
        hardsight fit patchcore --data photos/bottle --run runs/quick
        # withstands faint perturbations
        hardsight fit --data photos/bottle --run runs/bottle
        # large pictures, in tiles, judged as a whole; shrunk as a whole, too,
        # with --set detector.two_scales=true
        hardsight fit --data boards/ --size 1024 --set detector.tile=256
        # one model of two categories, then one of them from there
        hardsight fit --data mvtec --category nut --category screw --run runs/all
        hardsight fit --data mvtec --category screw --start runs/all --steps 300
        # a model for each category
        hardsight fit patchcore --data mvtec --each --run runs/mvtec --workers 2
        # a classifier and its defence
        hardsight fit rap-mnist --data mnist --run runs/rap
    """
    check_given(preset=preset, data=path, start=start)
    devices_in_turn = listed_devices(device)
    check_data_named(preset, setting or [], path, normal_dir, resume)
    from hardsight.core.engine import Workers
    from hardsight.core.lock import locked
    from hardsight.core.progress import quiet
    from hardsight.runs import is_begun, start_run, without_beginnings
    from hardsight.runs.categories import start_runs
    from hardsight.scale.opening import open_engine
    from hardsight.training.launched import launched, own_folder

    def left() -> str:
        if not any(map(is_begun, _run_folders(run, each))):
            return "nothing was trained yet, and nothing is kept"
        again = shlex.join(["hardsight", "fit", "--resume", "--run", str(run)])
        return goes_on(typed("--resume") if each else again)

    with explained(left):
        if not each and (engine != "local" or workers is not None or address is not None):
            raise ValueError(
                "--engine, --workers and --address share categories out; add --each, a model for "
                "each category, or leave them out"
            )
        if each and launched() is not None:
            raise ValueError("--each shares categories out by itself; begin it without torchrun")
        check_folder(run, "--run")
        changes: dict[str, Any] = {
            "data.path": path,
            "data.category": _one_or_several(category),
            "data.normal_dir": normal_dir,
            "data.abnormal_dir": abnormal_dir,
            "data.mask_dir": mask_dir,
            "data.on_error": "skip" if skip_unreadable else None,
            "detector.image_size": size,
            "data.limit_train": normals,
            "start": start,
            "training.steps": steps,
            "training.seed": seed,
            "training.devices": devices,
            "false_alarms": false_alarms,
        }
        if resume and launched() is None:  # a launcher begins and goes on by the same command
            _demand_begun(run, each)
        config = _begun_with(preset, run if resume and not each else None)
        given = {k: v for k, v in changes.items() if v is not None}
        config = config.updated(given).updated(_settings(setting or [], given))
        if select is not None:
            kept = config.model_dump(mode="json").get("selection")
            config = config.updated({"selection": (kept or {}) if select else None})
        if each:
            with locked(run):
                begun = start_runs(run, config, resume)
                with open_engine(engine, workers, address, devices_in_turn[0]) as made:
                    _fit_each(begun, Workers(made, devices_in_turn), allow_data_change)
            return
        with own_folder(run, config.training) as place, without_beginnings(place), locked(place):
            first = place == run
            if not first:  # another of torchrun's processes speaks
                console.quiet = True
                logging.disable(logging.WARNING)
            work = start_run(place, config, resume)
            with told() if first else nullcontext(quiet) as progress:
                work.fit(device, allow_data_change, progress)
            say(f"The {work.subject} is in ", (str(run), "bold"), ".")
            for sentence in work.remarks():
                say(sentence)


def _fit_each(runs: "list[DetectorRun]", workers: "Workers", allow_data_change: bool) -> None:
    """Fit the runs that are not finished, and say what became of all; exit with 1 if one failed."""
    from hardsight.runs.categories import fit_runs

    due = [run for run in runs if not run.finished]
    with Jobs([run.name for run in due]) as shown:
        failed = fit_runs(due, workers, shown, allow_data_change)
    for run in runs:
        if run.name not in failed:
            say(f"{run.name}: ", (str(run.path), "bold"), f". {run.remarks()[0]}")
    for name, why in failed.items():
        say(("not fitted:", "yellow"), f" {name}: {why}", to=errors)
    if failed:
        raise typer.Exit(1)


def _run_folders(run: Path, each: bool) -> list[Path]:
    """Return the folder of a run, or those below it of the runs of categories that are there."""
    return subfolders(run) if each else [run]


def _demand_begun(run: Path, each: bool) -> None:
    """Refuse to go on with a run of which there is nothing, not even its configuration.

    Raises:
        RunError: there is none.
    """
    if not any((folder / CONFIG).exists() for folder in _run_folders(run, each)):
        way_out = f"to begin it, leave out --resume{near_names(run)}"
        raise RunError(f"{run} holds nothing to resume; {way_out}")


def _begun_with(preset: str | None, resumed: Path | None) -> "Config":
    """Return the configuration that the options of the command line change.

    A run that is resumed gives its own; where a preset is named, too, that one on the run's data.
    """
    from hardsight.config import load_preset
    from hardsight.runs import open_run

    if resumed is None or not (resumed / CONFIG).exists():
        return load_preset(preset or "advrad")
    recorded = open_run(resumed).config
    if preset is None:
        return recorded
    named = load_preset(preset)
    if type(named) is not type(recorded):
        return named
    return named.updated({"data": recorded.model_dump(mode="json")["data"]})


def _one_or_several(names: list[str] | None) -> str | list[str] | None:
    return names[0] if names and len(names) == 1 else names or None


def _settings(pairs: list[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Parse ``key.key=value`` texts, of keys to which options have ``given`` no other values."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--set {pair!r} must read key=value, e.g. training.batch_size=8")
        try:
            asked = yaml.safe_load(value)
        except yaml.YAMLError as error:
            said = str(error).splitlines()[0]
            raise ValueError(f"--set {pair!r}: {value!r} is no value of YAML ({said})") from None
        other = found.get(key, given.get(key, asked))
        if other != asked:
            raise ValueError(f"--set {pair!r}: {key} is {other!r} by another option; leave one out")
        found[key] = asked
    return found
