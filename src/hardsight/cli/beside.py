"""What ``--beside`` adds to ``score`` and ``evaluate``: a second detector beside the first."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from hardsight.cli.console import console
from hardsight.cli.progress import told

if TYPE_CHECKING:
    from torch import Tensor

    from hardsight.attacks import Suite
    from hardsight.detectors import TwoWitnesses
    from hardsight.evaluation import Inspected

DECIDED = ("path", "decision", "p_robust", "p_suspicion", "anomalous", "error")
"""Columns of a table of decisions."""
HEADS = {
    "aimed_at": "attack aimed at",
    "decided_by": "decided by",
    "missed": "defects missed",
    "defects_again": "defects re-inspected",
    "stopped": "good parts stopped",
    "good_again": "good parts re-inspected",
}


def decided_beside(
    run: Path, other: Path, device: str
) -> "tuple[TwoWitnesses, Callable[[list[dict[str, Any]], Tensor], None]]":
    """Return two runs' detectors side by side, and what fills in rows of images; see ``filled``."""
    from hardsight.detectors import Decision
    from hardsight.runs import beside, open_detector_run

    both, _ = beside(open_detector_run(run), open_detector_run(other), device)

    def fill(rows: list[dict[str, Any]], images: "Tensor") -> None:
        found = both.inspect(images, len(images))
        for row, decision, p in zip(rows, found.decisions, found.p_values, strict=True):
            row["decision"], row["anomalous"] = decision.value, decision is not Decision.GOOD
            row["p_robust"], row["p_suspicion"] = map(float, p)

    return both, fill


def evaluate_beside(
    run: Path, other: Path, suite: "Suite", limit: int | None, seed: int, device: str
) -> "list[Inspected]":
    """Attack two runs' detectors, alone and side by side, and write RUN/evaluation/beside.json."""
    from hardsight.core.files import write_atomically
    from hardsight.evaluation import inspect_attacked
    from hardsight.runs import beside, open_detector_run

    opened = open_detector_run(run)
    both, data = beside(opened, open_detector_run(other), device)
    with told() as progress:
        rows = inspect_attacked(both, data.limited(limit) if limit else data, suite, seed, progress)
    place = opened.reports / "evaluation" / "beside.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "beside": str(other),
        "suite": suite.name,
        "attacks": suite.description,
        "norm": suite.ball.name,
        "eps": suite.ball.eps,
        "seed": seed,
        "rows": [row._asdict() for row in rows],
    }
    write_atomically(place, json.dumps(found, indent=1) + "\n")
    return rows


def print_inspected(rows: "list[Inspected]", suite: "Suite") -> None:
    """Print what each way to decide did under each attack."""
    from hardsight.evaluation.wording import radius

    table = Table(*HEADS.values(), title=f"{suite.name}, {radius(suite.ball.name, suite.ball.eps)}")
    for row in rows:
        of = {"missed": row.defects, "defects_again": row.defects}
        of |= {"stopped": row.good, "good_again": row.good}
        cells = row._asdict()
        table.add_row(*(f"{cells[k]} of {of[k]}" if k in of else cells[k] for k in HEADS))
    console.print(table)
