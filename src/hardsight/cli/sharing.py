"""Files scored by the workers of an engine, batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardsight.cli.beside import Deciding, deciding
from hardsight.cli.rows import Reader
from hardsight.core.engine import Engine, Tell, in_order

if TYPE_CHECKING:
    from hardsight.data import Frame, Source


@dataclass(frozen=True)
class Scoring:
    """Scores batches of files by a run, which each worker opens for itself.

    Args:
        run, beside, device, seed, overlays: see ``deciding``; the first a folder or a bundle.
        reader: reads the files.
    """

    run: Path
    beside: Path | None
    device: str
    seed: int | None
    overlays: Path | None
    reader: Reader

    @cached_property
    def decider(self) -> Deciding:
        """What decides on images."""
        from hardsight.runs import open_detector_run

        run = open_detector_run(self.run)
        return deciding(run, self.beside, self.device, self.seed, self.overlays)

    def __call__(
        self, batch: "tuple[int, list[Source]]", tell: Tell
    ) -> "tuple[list[dict[str, Any]], list[Frame]]":
        """Return the rows of a batch, given with the place of its first file, and its frames."""
        start, sources = batch
        ((rows, frames),) = self.decider.rows(self.reader.batches(sources, tell), start)
        return rows, [replace(frame, image=None) for frame in frames]

    def rows(
        self, engine: Engine, sources: "Iterator[Source]"
    ) -> "Iterator[tuple[list[dict[str, Any]], list[Frame]]]":
        """Yield the rows of all files in order, and their frames, without the images."""
        from hardsight.data.image_check import Once

        once = Once()  # in all batches, whoever reads them
        found = engine.run(self, self._batches(sources), lambda place, *told: once(*told))
        return in_order(found)

    def _batches(self, sources: "Iterator[Source]") -> "Iterator[tuple[int, list[Source]]]":
        start = 0
        while batch := list(islice(sources, self.reader.batch_size)):
            yield start, batch
            start += len(batch)
