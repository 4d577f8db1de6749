"""What hears of each batch that ``watch`` has scored: the drift monitor, and connections."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hardsight.cli.console import beware, errors
from hardsight.cli.drift import drift_values
from hardsight.core.outputs import check_folder, check_outside

if TYPE_CHECKING:
    from hardsight.connections import Sink
    from hardsight.data import Frame
    from hardsight.detectors import Detector
    from hardsight.runs import DetectorRun
    from hardsight.serve.decision import Decision

Rows = Sequence[dict[str, Any]]


class Follower(Protocol):
    """Hears of batches."""

    def add(self, rows: Rows, frames: "Sequence[Frame]") -> None:
        """Take in the rows of a batch, which are written, and the frames they are of."""


class DriftFollower:
    """Watches a stream for drift, and says so at once.

    Args:
        run: of the detector.
        detector: that scores, the run's or two side by side.
        state: file that it goes on from, and that each batch is recorded in.
        once_in: parts in which one false alarm is tolerated.
    """

    def __init__(self, run: "DetectorRun", detector: "Detector", state: Path, once_in: int) -> None:
        from hardsight.evaluation.drift import DriftMonitor
        from hardsight.runs import drift_references

        self.state = state
        references = drift_references(run, detector.demand_calibration())
        self.monitor = DriftMonitor(references, once_in)
        self.monitor.resume(state)

    def add(self, rows: Rows, frames: "Sequence[Frame]") -> None:
        """Take in a batch, and record it."""
        before = len(self.monitor.alarms)
        self.monitor.add(drift_values(rows, frames))
        self.monitor.write(self.state)
        for alarm in self.monitor.alarms[before:]:
            beware(str(alarm), to=errors)


class SinkFollower:
    """Tells connections of each decision, and of each image that could not be read.

    Args:
        detector: with a threshold.
        name: of its run.
        sinks: the connections.
    """

    def __init__(self, detector: "Detector", name: str, sinks: "Sequence[Sink]") -> None:
        from hardsight.evaluation.provenance import fingerprint

        self.name, self.sinks = name, sinks
        self.model_hash = fingerprint(detector)
        self.threshold = detector.demand_calibration().threshold

    def add(self, rows: Rows, frames: "Sequence[Frame]") -> None:
        """Tell of a batch."""
        measured = iter(_statistics(frames))
        for row, frame in zip(rows, frames, strict=True):
            if frame.image is None:
                for sink in self.sinks:
                    sink.failed(row["path"], row["error"])
                continue
            decided = self._decision(row, frame, next(measured))
            for sink in self.sinks:
                sink.send([decided])

    def _decision(
        self, row: dict[str, Any], frame: "Frame", measured: dict[str, Any]
    ) -> "Decision":
        from hardsight.serve.decision import Decision

        return Decision(
            source=row["path"],
            image=_hash(frame),
            score=row["score"],
            p_value=row["p_value"],
            label=row["anomalous"],
            threshold=self.threshold,
            model=self.name,
            model_hash=self.model_hash,
            verdict=row.get("decision"),
            p_robust=row.get("p_robust"),
            p_suspicion=row.get("p_suspicion"),
            **measured,
        )


def _statistics(frames: "Sequence[Frame]") -> "list[dict[str, float]]":
    """Return brightness, contrast and sharpness of each frame that is an image."""
    import torch

    from hardsight.evaluation.distribution_shift import rows_of_statistics

    images = [frame.image for frame in frames if frame.image is not None]
    return rows_of_statistics(torch.stack(images)) if images else []


def _hash(frame: "Frame") -> str:
    """Return the SHA-256 of a frame's file, or of its pixels where it has none."""
    assert frame.image is not None
    return frame.sha256 or hashlib.sha256(frame.image.numpy().tobytes()).hexdigest()


def check_sorted(addresses: Sequence[str], watched: Sequence[Path]) -> None:
    """Refuse to sort files into a folder that is watched, where they would arrive without end.

    Raises:
        ValueError: one of the addresses does.
    """
    from hardsight.connections import sorted_into

    again = "what is sorted would be scored again, without end"
    folders = [folder for one in addresses if (folder := sorted_into(one)) is not None]
    for folder, source in product(folders, watched):
        check_outside(folder, source, "--to folder:", again)


@contextmanager
def connected(addresses: Sequence[str], state: Path) -> "Iterator[list[Sink]]":
    """Open connections, and close them afterwards, each whatever another does; say what is left.

    Args:
        addresses: see ``hardsight.connections.connect``.
        state: folder for what must outlive a restart.
    """
    from hardsight.connections import connect

    if addresses:
        check_folder(state, "--state")
    sinks: list[Sink] = []
    with ExitStack() as opened:
        for address in addresses:
            sinks.append(connect(address, state))
            opened.callback(_close, sinks[-1])
        yield sinks


def _close(sink: "Sink") -> None:
    """Close a connection, and say what it leaves."""
    for sentence in sink.close():
        beware(sentence, to=errors)
