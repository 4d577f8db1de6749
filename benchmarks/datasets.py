"""Fit and evaluate preset `advrad` (or another) on data sets; keep the figures under results/.

    .venv/bin/python benchmarks/datasets.py --data ../shared/data/mvtec256 bottle screw toothbrush
    .venv/bin/python benchmarks/datasets.py --preset demo --textures brick grass gravel
    .venv/bin/python benchmarks/datasets.py --textures grass --set detector.image_size=128

Runs are kept in runs/benchmark/; a second call goes on where the first was.
"""

import argparse
from pathlib import Path

from evaluated import evaluated
from figures import keep
from sets import add_sets, changed, root

from hardsight.attacks import build_suite
from hardsight.config import load_preset
from hardsight.evaluation import Protocol
from hardsight.evaluation.detectors import CURVE_EPS
from hardsight.runs import start_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_sets(parser, "advrad")
    parser.add_argument("--steps", type=int, help="training steps; default: the preset's")
    parser.add_argument("--runs", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("--eps", default="2/255")
    parser.add_argument("--norm", default="Linf")
    parser.add_argument("--suites", nargs="*", default=["pgd", "eot-pgd"])
    parser.add_argument("--budget", default="fast")
    parser.add_argument("--objectives", nargs="*", help="of the image score; default: the budget's")
    parser.add_argument("--limit", type=int, help="test images, evenly spread; default: all")
    parser.add_argument("--no-fixed", action="store_true", help="skip the fixed-noise column")
    parser.add_argument("--curve", action="store_true", help="AUROC against eps as well")
    parser.add_argument("--results", default="datasets")
    arguments = parser.parse_args()
    config = changed(load_preset(arguments.preset), arguments)
    if arguments.steps:
        config = config.updated({"training.steps": arguments.steps})
    folder = root(arguments, config)
    own = {"objectives": tuple(arguments.objectives)} if arguments.objectives else {}
    if arguments.no_fixed:
        own["fixed"] = False
    suites = [
        build_suite(name, arguments.norm, arguments.eps, arguments.budget, **own)
        for name in arguments.suites
    ]
    for name in arguments.names:
        place = config.updated({"data.path": str(folder / name)})
        run = start_run(arguments.runs / name, place, resume=True)
        protocol = Protocol(curve=CURVE_EPS if arguments.curve else ())
        record = evaluated(run, suites, arguments.limit, protocol=protocol)
        part = f"{name}, {arguments.limit} test images" if arguments.limit else name
        if config.training.seed:
            part = f"{part}, seed {config.training.seed}"
        keep(arguments.results, part, record)


if __name__ == "__main__":
    main()
