"""Is `autoattack-rand` at least as strong as `eot-pgd`, and both as strong as `pgd`?

    .venv/bin/python benchmarks/suites.py bottle toothbrush screw --limit 16
    .venv/bin/python benchmarks/suites.py grass --suites eot-pgd --limit 8 --own steps=100 draws=20

Attacks an evenly spread part of a test set, as many normal as anomalous images, with each of the
three at budget `fast`; or, to see whether that has converged, with more of something.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from figures import keep
from numpy.typing import NDArray

from hardsight.attacks import build_suite
from hardsight.cli.progress import told
from hardsight.evaluation import Execution, Protocol, evaluate
from hardsight.evaluation.provenance import commit, device_name
from hardsight.metrics import auroc, bootstrap
from hardsight.runs import open_detector_run


def distance(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Return how far the log scores of the labels are apart, in their common standard deviation.

    It still tells attacks apart where all of them leave the AUROC at 1 or 0.
    """
    normal, anomalous = np.log(scores[~labels]), np.log(scores[labels])
    spread = np.sqrt((normal.var(ddof=1) + anomalous.var(ddof=1)) / 2)
    return float((anomalous.mean() - normal.mean()) / spread)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--runs", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("--suites", nargs="+", default=["pgd", "eot-pgd", "autoattack-rand"])
    parser.add_argument("--eps", default="2/255")
    parser.add_argument("--objectives", nargs="*", default=["score", "mean"])
    parser.add_argument("--limit", type=int, default=16)
    parser.add_argument("--own", nargs="*", default=[], metavar="FIELD=NUMBER", help="of a budget")
    given = parser.parse_args()
    more = {k: int(v) for k, _, v in (pair.partition("=") for pair in given.own)}
    own: dict[str, Any] = {"objectives": tuple(given.objectives), "fixed": False, **more}
    suites = [build_suite(name, eps=given.eps, **own) for name in given.suites]
    for name in given.names:
        run = open_detector_run(given.runs / name)
        detector = run.detector()
        with told() as progress:
            result = evaluate(
                detector,
                run.data().limited(given.limit, balanced=True),
                suites,
                protocol=Protocol(gallery=0),
                execution=Execution(run.path / "evaluation" / "state", progress=progress),
            )
        rows = {}
        for attack, scores in result.outputs.items():
            value, low, high = bootstrap(auroc, scores.mean(1), result.labels)
            apart = distance(scores.mean(1), result.labels)
            rows[attack] = {"auroc": value, "low": low, "high": high, "distance": apart}
            print(f"{name:<12} {attack:<16} {value:.3f} [{low:.3f}, {high:.3f}] {apart:+.2f}")
        figures = {
            "rows": rows,
            "images": len(result.labels),
            "attacks": {s.name: s.description for s in suites},
            "passes": {s.name: s.passes(detector.draws) for s in suites},
            "eps": given.eps,
            "seconds an image": {r.attack: r.seconds_per_image for r in result.rows if r.norm},
            "device": device_name(detector.device),
            "commit": commit(),
        }
        keep("suites", ", ".join([name, *given.own]), figures)


if __name__ == "__main__":
    main()
