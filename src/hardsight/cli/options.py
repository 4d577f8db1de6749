"""Arguments and options that several commands share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hardsight.cli.console import explained
from hardsight.core.near import check_there
from hardsight.core.presets import preset_file
from hardsight.core.run_folders import check_run, is_run
from hardsight.core.starts import PURIFIER, START, check_start

if TYPE_CHECKING:
    from hardsight.runs import RunFolder as OpenRun

N = TypeVar("N", int, float)
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, or the bundle of one.")
]
OtherData = Annotated[
    str | None,
    typer.Option("--data", help="Use the images of this data set or URL; default: the run's own."),
]
Eps = Annotated[str, typer.Option(help="Radius in [0, 1] pixel units, as 2/255 or 0.0078.")]
AttackedEps = Annotated[
    str | None,
    typer.Option(
        "--eps",
        help="Radius in [0, 1] pixel units, as 2/255 or 0.0078, or severity of a threat. Default: "
        "2/255, or that of the threat; of a classifier that its training used, or 8/255.",
    ),
]
AttackedAtOnce = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        min=1,
        help="Images attacked at a time. Default: 8; of a classifier 64.",
    ),
]
Source = Annotated[
    Path | None, typer.Option(help="Another run folder, from which attacks are transferred.")
]
Beside = Annotated[
    Path | None,
    typer.Option(
        help="A second run, best when nobody attacks: what RUN sees is a defect; what the second "
        "alone sees, or where they disagree, is suspicious. RUN is to withstand attacks."
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        min=2,
        help="Test images at most, evenly spread, good and anomalous in the proportion of all; the "
        "report says so.",
    ),
]
FalseAlarms = Annotated[
    float | None,
    typer.Option(
        help="False-alarm rate of the threshold. Default: 0.01, or the lowest that so many "
        "held-out images support."
    ),
]
Scores = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="A .csv or .jsonl file; default: CSV on stdout."),
]
Overlays = Annotated[Path | None, typer.Option(help="Folder for heat maps drawn over the images.")]
FailOnAnomaly = Annotated[
    bool,
    typer.Option(
        "--fail-on-anomaly",
        help="Exit with 2 if an image is anomalous, of two detectors a defect or suspicious.",
    ),
]
ScoredAtOnce = Annotated[int, typer.Option(min=1, help="Images scored at a time.")]
NoiseSeed = Annotated[
    int | None,
    typer.Option(
        help="Score on fresh noise of this seed. Default: on known noise, by which an image has "
        "the same score wherever it stands."
    ),
]
Bits = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=16,
        help="Depth of grey images in files of 16 bits, e.g. 12. Default: a run's own, else all.",
    ),
]
Connections = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="ADDRESS",
        help="Tell each decision to mqtt://HOST/TOPIC, https://HOST/PATH (signed), "
        "modbus://HOST/REGISTER, opc.tcp://HOST:PORT/PATH?node=PREFIX, or move its file below "
        "folder:PATH; may be repeated.",
    ),
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="Who computes: local, processes of this machine, or ray, a Ray cluster (extra `ray`). "
        "The numbers are the same.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        help="HOST:PORT of the cluster's head, or auto, with --engine ray. Default: a cluster that "
        "begins and ends on this machine."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many work beside each other and share the CPUs, of this machine at most one a "
        "CPU. Default: 1, with --engine ray one a CPU.",
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
AllowDataChange = Annotated[
    bool,
    typer.Option(
        "--allow-data-change", help="Go on although the data set changed since the run was made."
    ),
]
Synthetic = Annotated[
    bool,
    typer.Option(
        "--synthetic",
        help="Take synthetic defects on good parts, for a data set without defects; with false "
        "alarms and attacks.",
    ),
]


@explained()
def check_given(
    *runs: Path | None,
    device: str = "auto",
    images: Sequence[str] = (),
    preset: str | None = None,
    data: str | None = None,
    start: str | None = None,
    purifier: str | None = None,
) -> None:
    """End a command for what is mistyped or not there, before it imports what takes seconds.

    Args:
        runs: that are to be read; None, as of all others: not given.
        device: that is to compute.
        images: that are to be scored, and may stand before the run by mistake.
        preset: a name, or the path of a YAML file.
        data: of ``--data``.
        start: that is trained on, see ``check_start``.
        purifier: of ``--purify``, see there.
    """
    for run in runs:
        if run is None or is_run(run):
            continue
        if found := next((image for image in images if is_run(Path(image))), None):
            swapped = f"the run comes first: {found} {run}"
            raise ValueError(f"{found} is a run, and {run} is none; {swapped}")
        check_run(run)
    if preset is not None:
        preset_file(preset)
    if data is not None:
        check_there(data, "--data")
    if start is not None:
        check_start(start, "start", START)
    if purifier is not None:
        check_start(purifier, "--purify", PURIFIER)
    if device != "auto":
        from hardsight.core.devices import pick_device  # imports torch

        pick_device(device)


def listed_devices(text: str) -> list[str]:
    """Return the devices of a list with commas between, as ``check_given`` takes each."""
    devices = text.split(",")
    for device in devices:
        check_given(device=device)
    return devices


def listed_numbers(text: str, number: Callable[[str], N], refusal: str) -> list[N]:
    """Parse numbers with commas between, at least one.

    Args:
        text: of an option.
        number: ``int`` or ``float``.
        refusal: what is said of a text that holds none, or anything else.

    Raises:
        ValueError: that.
    """
    try:
        found = [number(part) for part in text.split(",") if part.strip()]
    except ValueError:
        found = []
    if not found:
        raise ValueError(refusal)
    return found


@explained()
def check_data_named(preset: str | None, settings: Sequence[str], *named: object) -> None:
    """End a fit of no images before it imports what takes seconds.

    Args:
        preset: its own file may name them, those that come with hardsight do not.
        settings: of ``--set``, which may, too.
        named: data set, folder, or a run that has one; None or False: not given.
    """
    own = preset is not None and preset_file(preset) == Path(preset)
    if not (any(named) or own or any(one.startswith("data") for one in settings)):
        raise ValueError(
            "there are no images to fit: name a data set with --data or, for a detector, a folder "
            "of good parts with --normal-dir. To try it without any: hardsight demo"
        )


def for_detectors(run: "OpenRun[Any]", **options: object) -> None:
    """Refuse options that are for detectors alone, of a run of anything else.

    Args:
        run: that was named.
        options: by the name of their argument; None or False: not given.

    Raises:
        ValueError: naming those that were given.
    """
    given = [name for name, value in options.items() if value is not None and value is not False]
    if given and run.subject != "detector":
        raise ValueError(
            f"{' and '.join('--' + name.replace('_', '-') for name in given)}: for detectors only, "
            f"and {run.path} holds a {run.subject}; leave that out"
        )


def only_with(context: typer.Context, option: str, *names: str) -> None:
    """Refuse options that mean something beside another one alone, which was not given.

    Args:
        context: of the command.
        option: the other one, as ``--attack``.
        names: of the arguments that are of it.

    Raises:
        ValueError: naming those that were given.
    """
    if given := _given(context, names):
        raise ValueError(f"{given}: only with {option}; add that, or leave this out")


def not_with(context: typer.Context, option: str, *names: str) -> None:
    """Refuse options that another one, which was given, would ignore; see ``only_with``."""
    if given := _given(context, names):
        raise ValueError(f"{given}: not with {option}; leave one out")


def _given(context: typer.Context, names: tuple[str, ...]) -> str:
    """Return the options that stand on the command line of some arguments, as typed."""
    options = {p.name: p.opts[0] for p in context.command.params}
    typed = {k: v if v.startswith("-") else v.upper() for k, v in options.items()}
    sources = {name: context.get_parameter_source(name) for name in names}
    # by its name, for typer has brought its own click along
    given = [n for n, source in sources.items() if source and source.name == "COMMANDLINE"]
    return " and ".join(typed[name] for name in given)
