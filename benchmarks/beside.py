"""Measure a robust detector beside one that ranks best unattacked; results/beside_full.json.

    .venv/bin/python benchmarks/beside.py runs/benchmark/grid runs/benchmark/metal_plate

The second detector is fitted here, to the training images of the first, under the same seed. Clean
image AUROCs are of all test images, what the decisions come to of ``--limit`` of them. A second
call makes what is missing; the runs fitted here are in runs/beside/.
"""

import argparse
from pathlib import Path

from evaluated import fitted
from figures import keep, kept

from hardsight.attacks import build_suite
from hardsight.cli.progress import told
from hardsight.config import load_preset
from hardsight.data import AnomalyData, Manifest
from hardsight.detectors import TwoWitnesses
from hardsight.evaluation import inspect_attacked
from hardsight.evaluation.provenance import describe
from hardsight.evaluation.subjects.synthetic import demand_defects
from hardsight.metrics.paired import auroc_difference
from hardsight.runs import open_detector_run, start_run
from hardsight.runs.beside import beside


def ranked(both: TwoWitnesses, data: AnomalyData) -> dict[str, list[float]]:
    """Return [AUROC difference, low, high] of both against either, on clean test images."""
    labels, images = demand_defects(data), data.test.images()
    scores = {
        name: detector.decide(images).pred_score.double().numpy()
        for name, detector in (("both", both), ("robust", both.robust), ("clean", both.clean))
    }
    return {
        f"both less {name}": list(auroc_difference(scores["both"], scores[name], labels))
        for name in ("robust", "clean")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="of robust detectors, fitted")
    parser.add_argument("--preset", default="patchcore", help="of the one beside them")
    parser.add_argument("--suite", default="pgd")
    parser.add_argument("--eps", nargs="+", default=["2/255", "8/255"])
    parser.add_argument("--limit", type=int, help="test images attacked; default: all")
    parser.add_argument("--fitted", type=Path, default=Path("runs/beside"))
    given = parser.parse_args()
    for path in given.runs:
        robust = open_detector_run(path)
        own = load_preset(given.preset).updated(
            {
                "data": robust.config.data.model_dump(mode="json"),
                "training.seed": robust.config.training.seed,
            }
        )
        clean = start_run(given.fitted / path.name, own, resume=True)
        fitted(clean)
        both, data = beside(robust, clean)
        about = describe(both, data, Manifest.of(data).sha256, robust.config.training.seed)
        difference = ranked(both, data)
        few = data.limited(given.limit) if given.limit else data
        for eps in given.eps:
            suite = build_suite(given.suite, "Linf", eps, "fast")
            key = f"{path.name}, {suite.name}, L-inf {eps}"
            if key in kept("beside_full"):
                continue
            with told() as progress:
                rows = inspect_attacked(both, few, suite, progress=progress)
            found = {
                "attacks": suite.description,
                "clean image AUROC, all test images": difference,
                "rows": [row._asdict() for row in rows],
            }
            keep("beside_full", key, found | {"provenance": about})


if __name__ == "__main__":
    main()
