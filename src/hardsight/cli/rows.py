"""Frames through a detector, a line each: what ``score`` and ``watch`` share."""

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from hardsight.cli.console import errors, say
from hardsight.core.words import counted

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from hardsight.cli.overlays import Overlays
    from hardsight.core.types import Detection
    from hardsight.data import Decoding, Frame, Source
    from hardsight.data.image_check import Tell
    from hardsight.detectors import Detector

    Fill = Callable[[list[dict[str, Any]], Tensor, list[int]], Tensor]
    """(rows, images, their places) -> their maps (n, 1, H, W), once the rows are filled in."""

NAMED = 50
"""Unreadable files that are named at the end; all of them have a row."""
FIELDS = ("path", "score", "p_value", "anomalous", "error")


@dataclass
class Tally:
    """What was scored so far, and how fast."""

    total: int = 0
    anomalous: int = 0
    """Images that raise an alarm; where two detectors decide, those that are no good parts."""
    decisions: Counter[str] = field(default_factory=Counter)
    """Decision -> images, where two detectors decide."""
    unreadable: int = 0
    latency: float = 0.0
    """Seconds from a frame's reading to its line, on average over the last batch that had any."""
    _named: list[tuple[str, str]] = field(default_factory=list)
    """The first that could not be read, and why."""
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=20))

    def add(self, rows: list[dict[str, Any]], frames: "list[Frame]") -> None:
        """Count a batch whose rows were just written."""
        now = time.monotonic()
        if waited := [now - frame.seen for frame in frames if frame.error is None]:
            self.latency = sum(waited) / len(waited)
        self._recent.append((now, len(frames)))
        self.total += len(rows)
        self.anomalous += sum(bool(row.get("anomalous")) for row in rows)
        self.decisions.update(row["decision"] for row in rows if row.get("decision"))
        lost = [(row["path"], row["error"]) for row in rows if row["error"]]
        self.unreadable += len(lost)
        self._named += lost[: NAMED - len(self._named)]

    @property
    def found(self) -> str:
        """What was found, as "9 images, 2 anomalous" or "9 images, 1 defect, 1 suspicious"."""
        if not self.decisions:
            return f"{self.total} images, {self.anomalous} anomalous"
        defects = counted(self.decisions["defect"], "defect")
        return f"{self.total} images, {defects}, {self.decisions['suspicious']} suspicious"

    @property
    def rate(self) -> float:
        """Frames a second over the last batches; 0 until there are two."""
        frames = sum(count for _, count in self._recent) - self._recent[0][1] if self._recent else 0
        return frames / (self._recent[-1][0] - self._recent[0][0]) if frames else 0.0

    def complain(self) -> None:
        """Name what could not be read, if anything, and why."""
        if not self.unreadable:
            return
        say((f"{self.unreadable} of {self.total} files could not be read:", "yellow"), to=errors)
        for name, reason in self._named:
            say(f"  {name}: {reason}", to=errors)
        if self.unreadable > NAMED:
            say(f"  and {self.unreadable - NAMED} more, in the column error", to=errors)


@dataclass(frozen=True)
class Reader:
    """Reads files in full batches, so that noise depends on the seed and an image's place alone.

    Args:
        decoding: of the frames.
        batch_size: images in a batch.
    """

    decoding: "Decoding"
    batch_size: int

    @classmethod
    def of(cls, detector: "Detector", most: int, bits: int | None) -> Self:
        """Read for a detector at most so many at a time, or fewer large ones; None: its bits."""
        from hardsight.core.batches import at_once

        size = at_once(detector.size, most)
        return cls(detector.decoding.at(bits), size)

    def batches(
        self, sources: "Iterable[Source]", tell: "Tell | None" = None
    ) -> "Iterator[list[Frame]]":
        """Yield images read, while the next ones are; an unreadable one with its error.

        Args:
            sources: of the images.
            tell: is told what is odd about them, see ``ImageCheck``.
        """
        from hardsight.data import read_ahead
        from hardsight.data.image_check import ImageCheck

        check = ImageCheck(self.decoding, tell)
        frames = iter(read_ahead(sources, self.decoding, self.batch_size, check))
        while batch := list(islice(frames, self.batch_size)):
            yield batch


def scored(
    detector: "Detector",
    batches: "Iterable[list[Frame]]",
    seed: int | None = None,
) -> "Iterator[tuple[list[dict[str, Any]], list[Frame]]]":
    """Score frames by one detector; see ``filled`` and ``filling``."""
    return filled(batches, FIELDS, filling(detector, seed))


def filling(detector: "Detector", seed: int | None) -> "Fill":
    """Return what fills in ``FIELDS`` by the scores of one detector.

    Args:
        detector: with a threshold.
        seed: of fresh noise, drawn for each image by its place; None: the known noise, on which an
            image has one score wherever it stands.
    """
    from hardsight.core.noise import Noise
    from hardsight.metrics import alarms, finite_p_values

    noise = Noise(seed, detector.device) if seed is not None and detector.random else None
    calibration = detector.demand_calibration()

    def fill(rows: list[dict[str, Any]], images: "Tensor", places: list[int]) -> "Tensor":
        if noise is None:
            found = detector.predict(images, batch_size=len(images))
        else:
            found = on_fresh_noise(detector, images, [noise.generator("score", i) for i in places])
        scores = found.pred_score.double().numpy()
        p = finite_p_values(scores, calibration.normal_scores)
        labels = alarms(scores, calibration.threshold)
        for i, row in enumerate(rows):
            row["score"], row["p_value"] = float(scores[i]), float(p[i])
            row["anomalous"] = bool(labels[i])
        return found.anomaly_map

    return fill


def on_fresh_noise(
    detector: "Detector", images: "Tensor", generators: "list[Generator]"
) -> "Detection":
    """Score images (n, 3, H, W), each on the noise of its own generator."""
    import torch

    from hardsight.core.types import Detection

    with torch.no_grad():
        x = detector.prepare(images)
        each = [detector.sample_noise(x[i : i + 1], g) for i, g in enumerate(generators)]
        found = detector(x, torch.cat([noise for noise in each if noise is not None]))
    return Detection(found.pred_score.cpu(), found.anomaly_map.cpu())


def filled(
    batches: "Iterable[list[Frame]]",
    fields: Sequence[str],
    fill: "Fill",
    start: int = 0,
    overlays: "Overlays | None" = None,
) -> "Iterator[tuple[list[dict[str, Any]], list[Frame]]]":
    """Yield the rows of frames, batch by batch in order, and the frames they are of.

    Args:
        batches: each at least one frame; an unreadable one gets a row with its error, and so does
            one whose score is not finite: its image is then None.
        fields: of a row, "path" and "error" among them.
        fill: fills in the rows of images (n, 3, H, W), n >= 1, at their places.
        start: place of the first frame.
        overlays: draws the heat maps; None: none are drawn.
    """
    import torch

    from hardsight.data import ImageError

    for frames in map(list, batches):
        rows: list[dict[str, Any]] = [
            dict.fromkeys(fields) | {"path": f.name, "error": f.error and f.error.reason}
            for f in frames
        ]
        good = [(i, f.image) for i, f in enumerate(frames) if f.image is not None]
        if good:
            stacked = torch.stack([image for _, image in good])
            maps = fill([rows[i] for i, _ in good], stacked, [start + i for i, _ in good])
            for (i, _), anomaly_map in zip(good, maps[:, 0], strict=True):
                score, name = rows[i]["score"], frames[i].name
                if not math.isfinite(score):  # neither above the threshold nor a good part
                    error = ImageError(name, f"its score is {score}, by which nothing is decided")
                    rows[i] = dict.fromkeys(fields) | {"path": name, "error": error.reason}
                    frames[i] = replace(frames[i], image=None, error=error)
                elif overlays:
                    overlays.draw(frames[i], anomaly_map)
        start += len(frames)
        yield rows, frames
