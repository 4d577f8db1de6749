"""``hardsight watch``: a stream of images through a fitted detector."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.text import Text

from hardsight.cli.beside import deciding
from hardsight.cli.console import errors, explained
from hardsight.cli.drift import OnceIn
from hardsight.cli.following import (
    DriftFollower,
    Follower,
    SinkFollower,
    check_sorted,
    connected,
)
from hardsight.cli.options import (
    Beside,
    Bits,
    Connections,
    Device,
    FailOnAnomaly,
    NoiseSeed,
    Overlays,
    RunFolder,
    ScoredAtOnce,
    Scores,
    check_given,
    only_with,
)
from hardsight.cli.overlays import check_overlays
from hardsight.cli.rows import Tally
from hardsight.cli.table import check_output, table
from hardsight.core.outputs import check_file

if TYPE_CHECKING:
    from hardsight.data import Decoding, Reading


def watch(
    context: typer.Context,
    run: RunFolder,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder (what is there, then what arrives), a video file, a camera's number or "
            "device, a stream's URL, or a GenICam camera as genicam:PRODUCER.cti[#SERIAL].",
        ),
    ],
    beside: Beside = None,
    output: Scores = None,
    overlays: Overlays = None,
    fail_on_anomaly: FailOnAnomaly = False,
    idle: Annotated[
        float | None,
        typer.Option(
            min=0, help="End when nothing came into the folder for so many seconds; default: never."
        ),
    ] = None,
    batch_size: ScoredAtOnce = 8,
    seed: NoiseSeed = None,
    bits: Bits = None,
    drift: Annotated[
        Path | None,
        typer.Option(
            help="Watch for drift, as `hardsight drift` does, and keep its state in this file, "
            "from which a later watch goes on."
        ),
    ] = None,
    once_in: OnceIn = 10_000,
    to: Connections = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Folder for what --to did not deliver yet; default: RUN/connections. One for each "
            "watch."
        ),
    ] = None,
    device: Device = "auto",
) -> None:
    """Score a stream until it ends, or Ctrl-C; one line an image, as `score` writes it.

    Images are read while others are scored. A folder's half-written files are tried again, and
    unreadable ones are listed. Of a camera that is faster than the detector the newest frame
    counts, and how many were dropped is said. Videos and cameras need the extra `video`, those of
    GenICam `genicam`. Begun again, it adds its lines to those of `--output`.

    What `--to` names hears of a decision once its line is written, of an unreadable image too, and
    need not be there: messages to a broker or a web service wait on disk. A controller reads four
    registers or variables (heartbeat, verdict, sequence, p-value): it lets a part pass while the
    heartbeat changes and on a verdict of 1 with the next sequence. 0 is "no answer", which a
    verdict becomes after `hold` seconds, and means stop. Secrets come from the environment:
    `HARDSIGHT_WEBHOOK_SECRET`, `HARDSIGHT_MQTT_PASSWORD`. With `--beside` a verdict may be
    suspicious too, which is a 3 for a controller.

    Exit code 0, after Ctrl-C too; 2 with `--fail-on-anomaly` when something was found.

    Examples:

        hardsight watch runs/bottle incoming/ --overlays heat/ -o scores.csv
        # the camera 0, each decision told to a broker
        hardsight watch runs/bottle 0 --to mqtt://broker/cell-3
    """
    check_given(run, beside, device=device, images=[source])
    from hardsight.core.batches import at_once
    from hardsight.runs import open_detector_run

    tally, begun = Tally(), time.monotonic()
    with explained():
        if drift is None:
            only_with(context, "--drift", "once_in")
        if not to:
            only_with(context, "--to", "state")
        check_output(output)
        watched = [Path(source)] if Path(source).is_dir() else []
        check_overlays(overlays, watched)
        if to:
            check_sorted(to, watched)
        if drift:
            check_file(drift, "--drift")
        opened = open_detector_run(run)
        decider = deciding(opened, beside, device, seed, overlays)
        detector = decider.detector
        followers: list[Follower] = []
        if drift:
            followers.append(DriftFollower(opened, detector, drift, once_in))
        batch_size = at_once(detector.size, batch_size)
        reading = _reading(source, detector.decoding.at(bits), idle, batch_size)
        shown = sys.stdout.isatty()  # rows on a terminal go above the line, others past it
        line = Live(
            Text("waiting for images"), console=errors, transient=True, redirect_stdout=shown
        )
        places = to or (), state or opened.reports / "connections"
        written = table(output, decider.fields, more=True)
        with connected(*places) as sinks, reading, line, written as lines:
            if sinks:
                followers.append(SinkFollower(detector, opened.name, sinks))
            try:
                with _ctrl_c(reading.stop):
                    batches = reading.batches(batch_size)
                    for rows, frames in decider.rows(batches):
                        lines.write(rows)
                        tally.add(rows, frames)
                        for follower in followers:
                            follower.add(rows, frames)
                        line.update(Text(_speed(tally, reading.dropped)))
            finally:
                tally.complain()
                took = time.monotonic() - begun
                errors.print(f"{_speed(tally, reading.dropped)}; {took:.0f} s in all.")
    if fail_on_anomaly and tally.anomalous:
        raise typer.Exit(2)


def _reading(source: str, decoding: "Decoding", idle: float | None, most: int) -> "Reading":
    """Return what reads the source in its own thread."""
    from hardsight.data import Reading, is_live
    from hardsight.data.streams.arrivals import arrivals
    from hardsight.data.streams.genicam import SCHEME, genicam
    from hardsight.data.streams.video import video

    if Path(source).is_dir():
        return Reading(lambda stop: arrivals(source, decoding, idle, stop, most), most)
    camera = source.startswith(SCHEME)
    live = is_live(source)
    if idle is not None and (camera or live or Path(source).exists()):
        raise ValueError(f"--idle is for folders, and {source} is none; leave it out")
    if camera:
        return Reading(lambda stop: genicam(source, decoding, stop), 1, newest=True)
    return Reading(lambda stop: video(source, decoding, stop), 1 if live else most, newest=live)


@contextmanager
def _ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C stop the reading, so that no batch is cut short; a second is as ever."""

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _speed(tally: Tally, dropped: int) -> str:
    """Say in one line what was done and how fast."""
    lost = f", {dropped} frames dropped" if dropped else ""
    rate = f"{tally.rate:.1f} a second, " if tally.rate else ""
    return f"{tally.found}{lost}; {rate}latency {1000 * tally.latency:.0f} ms"
