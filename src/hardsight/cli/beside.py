"""What ``--beside`` adds to commands: a second detector beside the first."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.table import Table

from hardsight.cli.console import console
from hardsight.cli.costs import print_costs
from hardsight.cli.overlays import Overlays
from hardsight.cli.progress import told
from hardsight.cli.rows import FIELDS, filled, filling

if TYPE_CHECKING:
    from torch import Tensor

    from hardsight.attacks import Suite
    from hardsight.cli.rows import Fill
    from hardsight.data import Frame
    from hardsight.detectors import Detector, TwoWitnesses
    from hardsight.evaluation import Inspected
    from hardsight.runs import DetectorRun

DECIDED = ("path", "decision", "score", "p_value", "p_robust", "p_suspicion", "error")
"""Columns of a table of two detectors' decisions."""
WRITTEN = Path("evaluation", "beside.json")
"""File of what two detectors did under attack, in the reports of the robust one's run."""
HEADS = {
    "aimed_at": "attack\naimed at",
    "decided_by": "decided\nby",
    "auroc": "image\nAUROC",
    "missed": "defects\nmissed",
    "defects_again": "defects\ninspected\nagain",
    "stopped": "good parts\nstopped",
    "good_again": "good parts\ninspected\nagain",
}
"""Columns of the table of two detectors under attack; their heads are broken to fit 80 columns."""


class Deciding(NamedTuple):
    """One detector, or two side by side, and the table of what they say."""

    detector: "Detector"
    fields: Sequence[str]
    """Columns of the table."""
    fill: "Fill"
    overlays: Overlays | None
    """None: no heat maps are drawn."""

    def rows(
        self, batches: "Iterable[list[Frame]]", start: int = 0
    ) -> "Iterator[tuple[list[dict[str, Any]], list[Frame]]]":
        """Yield rows and frames, see ``filled``."""
        return filled(batches, self.fields, self.fill, start, self.overlays)


def deciding(
    run: "DetectorRun", other: Path | None, device: str, seed: int | None, overlays: Path | None
) -> Deciding:
    """Return what decides on images: a run's detector, or two runs' side by side.

    Args:
        run: of the one, or of the robust one.
        other: run of the second; None: there is none.
        device: where they compute.
        seed: see ``filling``.
        overlays: folder for heat maps; None: none are drawn.

    Raises:
        ValueError: a seed for two detectors, which decide on the known noise.
    """
    from hardsight.runs import beside, open_detector_run

    def drawing(detector: "Detector") -> Overlays | None:
        threshold = detector.demand_calibration().map_threshold
        return None if overlays is None else Overlays(overlays, threshold)

    if other is None:
        detector = run.deciding(device)
        return Deciding(detector, FIELDS, filling(detector, seed), drawing(detector))
    if seed is not None:
        raise ValueError("--seed is for one detector; leave out --beside")
    both, _ = beside(run, open_detector_run(other), device)
    return Deciding(both, DECIDED, _filling_by_two(both), drawing(both))


def _filling_by_two(both: "TwoWitnesses") -> "Fill":
    """Return what fills in ``DECIDED`` by two detectors; see ``filling``."""
    from hardsight.detectors import Decision
    from hardsight.metrics import finite_p_values

    calibration = both.demand_calibration()

    def fill(rows: list[dict[str, Any]], images: "Tensor", places: list[int]) -> "Tensor":
        found, maps = both.examine(images)
        p_values = finite_p_values(found.scores, calibration.normal_scores)
        for i, row in enumerate(rows):
            decision = found.decisions[i]
            row["decision"], row["anomalous"] = decision.value, decision is not Decision.GOOD
            row["score"], row["p_value"] = float(found.scores[i]), float(p_values[i])
            row["p_robust"], row["p_suspicion"] = map(float, found.p_values[i])
        return maps

    return fill


def evaluate_beside(
    run: Path, other: Path, suite: "Suite", limit: int | None, seed: int, device: str
) -> "list[Inspected]":
    """Attack two runs' detectors, alone and side by side, and write RUN/evaluation/beside.json."""
    from hardsight.core.files import write_atomically
    from hardsight.core.lock import locked
    from hardsight.evaluation import inspect_attacked, inspection_costs
    from hardsight.runs import beside, open_detector_run

    opened = open_detector_run(run)
    path = opened.reports / WRITTEN
    with locked(path.parent):
        both, data = beside(opened, open_detector_run(other), device)
        few = data.limited(limit) if limit else data
        print_costs(inspection_costs(both, few, suite))
        with told() as progress:
            state = path.parent / "state"
            rows = inspect_attacked(both, few, suite, seed, progress, state)
        found = {
            "beside": str(other),
            "suite": suite.name,
            "attacks": suite.description,
            "norm": suite.ball.name,
            "eps": suite.ball.eps,
            "seed": seed,
            "rows": [row._asdict() for row in rows],
        }
        write_atomically(path, json.dumps(found, indent=1) + "\n")
    return rows


def print_inspected(rows: "list[Inspected]", suite: "Suite") -> None:
    """Print what each way to decide did under each attack."""
    from hardsight.evaluation.wording import radius

    title = f"{suite.name}, {radius(suite.ball.name, suite.ball.eps)}"
    table = Table(*HEADS.values(), title=title, pad_edge=False)
    for row in rows:
        of = {"missed": row.defects, "defects_again": row.defects}
        of |= {"stopped": row.good, "good_again": row.good}
        cells = row._asdict() | {"auroc": f"{row.auroc:.3f}"}
        table.add_row(*(f"{cells[k]} of {of[k]}" if k in of else cells[k] for k in HEADS))
    console.print(table)
