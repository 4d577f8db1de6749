"""The smaller tables of a method's page: averages, corruptions, certificates."""

from collections.abc import Sequence
from itertools import compress, groupby
from typing import NamedTuple

from hardsight.benchmark.averages import threat_averages
from hardsight.benchmark.entry import Entry
from hardsight.evaluation.wording import figure


class SmallTable(NamedTuple):
    """A table of text, whose first cell names its row."""

    title: str
    note: str
    heads: list[str]
    rows: list[list[str]]


def small_tables(own: Sequence[Entry]) -> list[SmallTable]:
    """Return the tables of a method's entries that have rows, without columns that are empty."""
    made = (_averages(own), _corruptions(own), _certificates(own))
    return [_without_empty_columns(table) for table in made if table.rows]


def _without_empty_columns(table: SmallTable) -> SmallTable:
    kept = [any(cell != "-" for cell in column) for column in zip(*table.rows, strict=True)]
    rows = [list(compress(row, kept)) for row in table.rows]
    return table._replace(heads=list(compress(table.heads, kept)), rows=rows)


def _averages(own: Sequence[Entry]) -> SmallTable:
    rows = [
        [
            f"{one.data}, seed {one.seed}",
            one.values.suite,
            "; ".join(one.values.threats),
            *_figures(
                own[0].clean[0].metric,
                one.values.all,
                one.values.published,
                one.values.unseen,
                one.values.published_unseen,
            ),
        ]
        for one in threat_averages(own)
    ]
    return SmallTable(
        "Over threat models",
        "The mean of fresh draws, averaged over all threat models of a suite, and over those that "
        "were not trained on.",
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
