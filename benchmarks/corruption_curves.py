"""The ranking and the decisions of several runs under corruptions and another light, side by side.

    .venv/bin/python benchmarks/corruption_curves.py patchcore=RUN advrad=RUN hardsight=RUN

Every run on the same test images, half of them good: all nineteen corruptions, averaged, and light
at its worst for each image (PGD of ten steps in its parameters). Thresholds are the runs' own.
Writes results/corruption_curves.json, and the figure in docs/research.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

from figures import kept, write
from matplotlib.figure import Figure

from hardsight.evaluation import Evaluation, Execution, Protocol, evaluate
from hardsight.evaluation.decisions import shares
from hardsight.evaluation.provenance import commit
from hardsight.runs.opening import open_detector_run

NAME = "corruption_curves"
FIGURE = Path(__file__).parents[1] / "docs" / "research" / "corruptions.png"
SEVERITIES, LIGHT = (1, 5), (0.2, 0.4)
PANELS = {
    ("corruptions", "AUROC"): "Corruptions, the mean of nineteen",
    ("corruptions", "false alarms"): "Corruptions, the mean of nineteen",
    ("light", "AUROC"): "The worst light",
    ("light", "false alarms"): "The worst light",
}
Lines = dict[str, list[tuple[float, float]]]


def measured(path: Path, limit: int, state: Path) -> Evaluation:
    """Evaluate a run on some test images, half of them good, without an attack of pixels."""
    run = open_detector_run(path)
    detector, data = run.tested("auto", None, False)
    protocol = Protocol(4, curve=LIGHT, gallery=0, corruptions=SEVERITIES)
    execution = Execution(state / path.name, progress=lambda *a: print(path, *a, flush=True))
    some = data.limited(limit, balanced=True)
    return evaluate(detector, some, [], norm="light", protocol=protocol, execution=execution)


def lines(found: Evaluation) -> dict[str, Lines]:
    """Return what is drawn of a run: threat -> measure -> (severity, share)."""
    (ranking,) = found.curves[0].lines.values()
    decided = found.curves[1].lines
    at_rest = {
        "AUROC": found.rows[0].mean.value,
        **{measure: points[0][1].value for measure, points in decided.items()},
    }
    corrupted: Lines = {measure: [(0.0, value)] for measure, value in at_rest.items()}
    for severity in SEVERITIES:
        same = [c for c in found.corruptions if c.severity == severity]
        corrupted["AUROC"].append((severity, mean(c.figure.value for c in same)))
        counted = [shares(c.decisions) for c in same if c.decisions]
        for measure in decided:
            corrupted[measure].append((severity, mean(one[measure].value for one in counted)))
    light = {"AUROC": ranking, **decided}
    return {
        "corruptions": corrupted,
        "light": {name: [(x, e.value) for x, e in points] for name, points in light.items()},
    }


def draw(runs: Mapping[str, Any]) -> None:
    """Draw the runs beside each other, a panel for each threat and measure."""
    figure = Figure(figsize=(9.2, 6.4), layout="constrained")
    for ax, ((threat, measure), title) in zip(
        figure.subplots(2, 2).flat, PANELS.items(), strict=True
    ):
        for name, one in runs.items():
            x, y = zip(*one["lines"][threat][measure], strict=True)
            ax.plot(x, y, marker="o", label=name)
        ax.set(title=title, xlabel="severity", ylabel=measure, ylim=(-0.03, 1.03))
        ax.grid(alpha=0.3)
    figure.axes[0].legend()
    figure.savefig(FIGURE, dpi=110)


def main() -> None:
    """Measure the runs, keep the figures and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="*", help="NAME=RUN; none: draw what is kept")
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("--state", type=Path, default=Path("corruption_curves"))
    asked = parser.parse_args()
    for run in asked.runs:
        name, _, path = str(run).partition("=")
        found = measured(Path(path), asked.limit, asked.state / name)
        own = {
            "commit": commit(),
            "data": found.provenance["data"],
            "lines": lines(found),
            "corruptions": found.to_json()["corruptions"],
        }
        write(NAME, kept(NAME) | {name: own})
    draw(kept(NAME))


if __name__ == "__main__":
    main()
