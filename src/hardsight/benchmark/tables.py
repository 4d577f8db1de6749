"""The smaller tables of a method's page: averages, corruptions, certificates, provenance."""

from collections.abc import Sequence
from itertools import compress, groupby
from typing import NamedTuple

from hardsight.benchmark.averages import threat_averages
from hardsight.benchmark.board import Line
from hardsight.benchmark.entry import Entry
from hardsight.core.words import in_words
from hardsight.evaluation.wording import figure

TOLD_ONCE = {
    "Suite", "Threat models", "Severity", "Sigma",
    "Settings", "Split (SHA-256)", "hardsight", "torch", "Hardware",
}  # fmt: skip
"""Columns that go into the note where every row says the same."""
SHOWN = 12
"""Characters of a hash."""


class SmallTable(NamedTuple):
    """A table of text, whose first cell names its row."""

    title: str
    note: str
    heads: list[str]
    rows: list[list[str]]


def small_tables(own: Sequence[Entry]) -> list[SmallTable]:
    """Return the tables of a method's entries that have rows, without columns that are empty."""
    made = (_averages(own), _corruptions(own), _certificates(own))
    return [_short(table) for table in made if table.rows]


def provenance(mine: Sequence[Line]) -> SmallTable:
    """Return by what the lines of a method were made, one row for all of the same weights."""
    rows = {}
    for entry in (line.entry for line in mine):
        made, files = entry.made, entry.checkpoints.items()
        rows[entry.weights] = [
            _data(entry),
            in_words(entry.settings) or "-",
            entry.weights,
            "; ".join(f"{name} {digest[:SHOWN]}" for name, digest in files) or "-",
            entry.data.split_sha256[:SHOWN],
            made.hardsight,
            made.torch,
            made.hardware,
        ]
    heads = ["Data", "Settings", "Weights", "Checkpoint (SHA-256)", "Split (SHA-256)"]
    heads += ["hardsight", "torch", "Hardware"]
    note = f"Settings are those that differ from the preset's; of a hash the first {SHOWN} digits."
    return _short(SmallTable("Provenance", note, heads, list(rows.values())))


def same_in_every_row(said: Sequence[str]) -> str:
    """Return a sentence on what all rows of a table have in common; empty: they have nothing."""
    return f"Same in every row: {'; '.join(said)}." if said else ""


def _short(table: SmallTable) -> SmallTable:
    """Leave out columns that are empty, and tell in the note what all rows have in common."""
    told, kept = [], []
    for head, column in zip(table.heads, zip(*table.rows, strict=True), strict=True):
        once = head in TOLD_ONCE and len(column) > 1 and len(set(column)) == 1
        kept.append(not once and any(cell != "-" for cell in column))
        if once and column[0] != "-":
            told.append(f"{head[0].lower()}{head[1:]} {column[0]}")
    return table._replace(
        note=f"{table.note} {same_in_every_row(told)}".rstrip(),
        heads=list(compress(table.heads, kept)),
        rows=[list(compress(row, kept)) for row in table.rows],
    )


def _averages(own: Sequence[Entry]) -> SmallTable:
    averages = threat_averages(own)
    told = any(one.trained for one in own) or any(
        one.values.published_unseen is not None for one in averages
    )
    rows = [
        [
            f"{one.data}, seed {one.seed}",
            one.values.suite,
            ", ".join(one.values.threats),
            *_figures(
                own[0].clean[0].metric,
                one.values.all,
                one.values.published,
                one.values.unseen if told else None,
                one.values.published_unseen,
            ),
        ]
        for one in averages
    ]
    unseen = ", and over those that were not trained on" if told else ""
    return SmallTable(
        "Over threat models",
        f"The mean of fresh draws, averaged over all threat models of a suite{unseen}.",
        ["Data", "Suite", "Threat models", "All", "All, published", "Unseen", "Unseen, published"],
        rows,
    )


def _corruptions(own: Sequence[Entry]) -> SmallTable:
    rows = []
    for entry in own:
        by_severity = sorted(entry.corrupted, key=lambda one: one.severity)
        for severity, group in groupby(by_severity, key=lambda one: one.severity):
            same = list(group)
            mean = sum(one.figure.value for one in same) / len(same)
            worst = min(same, key=lambda one: one.figure.value)
            figures = _figures(entry.clean[0].metric, mean, worst.figure.value)
            rows.append([_data(entry), str(severity), *figures, worst.corruption])
    return SmallTable(
        "Common corruptions",
        "All nineteen pooled, without an attack.",
        ["Data", "Severity", "Mean", "Lowest", "of"],
        rows,
    )


def _certificates(own: Sequence[Entry]) -> SmallTable:
    rows = [
        [
            _data(entry),
            str(entry.threat.sigma),
            str(row.radius),
            *_figures("AUROC", row.auroc, row.auroc_joint, row.auroc_mean, row.published),
        ]
        for entry in own
        for row in entry.certified
    ]
    return SmallTable(
        "Certified",
        "What no attack within the radius can change.",
        ["Data", "Sigma", "L2 radius", "AUROC", "jointly", "by the mean", "published, by the mean"],
        rows,
    )


def _data(entry: Entry) -> str:
    return f"{entry.data.category or entry.data.name}, seed {entry.seed}"


def _figures(measure: str, *values: float | None) -> list[str]:
    return ["-" if value is None else figure(value, measure) for value in values]
