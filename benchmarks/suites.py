"""Is `autoattack-rand` at least as strong as `eot-pgd`, and both as strong as `pgd`?

    .venv/bin/python benchmarks/suites.py bottle toothbrush screw --limit 16

Attacks an evenly spread part of a test set with `autoattack-rand` at budget `fast`; `eot-pgd` and
`pgd` of the same images are taken from the run's report (benchmarks/datasets.py writes it).
"""

import argparse
import json
from pathlib import Path

import numpy as np

from hardsight.attacks import build_suite
from hardsight.cli.console import bars
from hardsight.evaluation import evaluate
from hardsight.evaluation.provenance import commit, device_name
from hardsight.metrics import auroc, bootstrap
from hardsight.runs import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--runs", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("--suite", default="autoattack-rand")
    parser.add_argument("--eps", default="2/255")
    parser.add_argument("--objectives", nargs="*", default=["score", "mean"])
    parser.add_argument("--limit", type=int, default=16)
    given = parser.parse_args()
    target = Path(__file__).parent / "results" / "suites.json"
    suite = build_suite(given.suite, eps=given.eps, objectives=tuple(given.objectives), fixed=False)
    for name in given.names:
        run = Run(given.runs / name)
        detector = run.detector()
        whole = json.loads((run.path / "evaluation" / "report.json").read_text())
        place = {n: i for i, n in enumerate(whole["names"])}
        with bars() as progress:
            result = evaluate(
                detector,
                run.data().limited(given.limit, balanced=True),
                [suite],
                curve=(),
                gallery=0,
                folder=run.path / "evaluation" / "state",
                progress=progress,
            )
        rows = {}
        index = [place[n] for n in result.names]
        attacked = {k: np.array(v)[index] for k, v in whole["scores"].items()}
        for attack, scores in (attacked | {given.suite: result.scores[given.suite]}).items():
            value, low, high = bootstrap(auroc, scores.mean(1), result.labels)
            rows[attack] = {"auroc": value, "low": low, "high": high}
            print(f"{name:<12} {attack:<16} {value:.3f} [{low:.3f}, {high:.3f}]")
        kept = json.loads(target.read_text()) if target.exists() else {}
        kept[name] = {
            "rows": rows,
            "images": len(result.labels),
            "attacks": suite.description,
            "passes": suite.passes(detector.draws),
            "eps": given.eps,
            "seconds an image": result.rows[-1].seconds_per_image,
            "device": device_name(detector.device),
            "commit": commit(),
        }
        target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
