"""Entries without a threat on the board: clean figures and times, beside the published ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hardsight.benchmark.board import identity, why_apart
from hardsight.benchmark.entry import Entry
from hardsight.benchmark.job import slug
from hardsight.benchmark.variants import published_seconds
from hardsight.evaluation import Row
from hardsight.evaluation.published import Published


@dataclass(frozen=True, eq=False)
class CleanLine:
    """One entry whose images were left alone."""

    entry: Entry

    @property
    def row(self) -> Row:
        """The main figure of all test images."""
        return self.entry.clean[0]

    @property
    def published_seconds(self) -> Published | None:
        """A paper's time of an image, on the device that it names; None: there is none."""
        return published_seconds(self.entry)

    @property
    def anchor(self) -> str:
        """What an address of this line ends in."""
        return slug(self.entry.id)

    @property
    def why(self) -> tuple[str, ...]:
        """Why it differs from what was published, in sentences; () where nothing was published."""
        published = self.row.published is not None or self.published_seconds is not None
        return why_apart(self.entry) if published else ()

    def values(self) -> dict[str, Any]:
        """Return all of it as plain values, for the files to download."""
        entry, row, paper = self.entry, self.row, self.published_seconds
        return {
            **identity(entry),
            "metric": row.metric,
            "clean": row.mean.value,
            "low": row.mean.low,
            "high": row.mean.high,
            "published": row.published,
            "place": row.place,
            "seconds an image": row.seconds_per_image,
            "hardware": entry.made.hardware,
            "published seconds": paper.value if paper else None,
            "published device": paper.facts.get("device") if paper else None,
            "weights": entry.weights,
            "split": entry.data.split_sha256,
            "hardsight": entry.made.hardsight,
        }


def clean_lines(entries: Iterable[Entry]) -> list[CleanLine]:
    """Return the lines of entries without a threat, the quickest of a category and seed first."""
    found = [CleanLine(entry) for entry in entries if entry.threat.clean]

    def place(line: CleanLine) -> tuple[str, str, int, float]:
        entry = line.entry
        category = entry.data.category or ""
        return entry.data.name, category, entry.seed, line.row.seconds_per_image

    return sorted(found, key=place)
