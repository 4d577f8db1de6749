"""Drift: false alarms while nothing changes, and test normals in another light; results/drift.json.

    .venv/bin/python benchmarks/drift.py --data ../shared/data/mvtec256 screw bottle

PatchCore is fitted to 60 % of the normal training images. Half of the others are the reference; the
other half come as a stream in which nothing changed, the test normals as another; each in many
orders drawn by chance. Then, of random numbers, long streams, some with defective parts: how often
the alarm is false. Runs are kept in runs/drift/.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from figures import keep
from numpy.typing import NDArray
from sets import add_sets, changed, root
from torch import Tensor

from hardsight.config import load_preset
from hardsight.detectors import Detector
from hardsight.evaluation.distribution_shift import image_statistics
from hardsight.evaluation.drift import DriftMonitor
from hardsight.evaluation.provenance import commit
from hardsight.runs import SCORE, start_run

ONCE_IN = 1000
Values = dict[str, NDArray[np.float64]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_sets(parser, "patchcore")
    parser.add_argument("--orders", type=int, default=50)
    parser.add_argument("--runs", type=Path, default=Path("runs/drift"))
    given = parser.parse_args()
    config = changed(load_preset(given.preset), given)
    place = root(given, config)
    for name in given.names:
        settings = {"data.path": str(place), "data.category": name, "data.validation_fraction": 0.4}
        run = start_run(given.runs / name, config.updated(settings), resume=True)
        detector = run.detector() if run.finished else run.fit()
        data = run.data()
        held_out = streams(detector, data.validation.images())
        good = streams(detector, data.test.images()[~data.test.labels])
        keep("drift", name, of_category(held_out, good, given.orders) | {"commit": commit()})
    keep("drift", "random numbers", of_random_numbers() | {"commit": commit()})


def streams(detector: Detector, images: Tensor) -> Values:
    """Score and measure images."""
    score = detector.predict(images).pred_score.double().numpy()
    return {SCORE: score, **image_statistics(images)}


def of_category(held_out: Values, good: Values, orders: int) -> dict[str, Any]:
    """Return in how many orders an alarm was raised, and after how many parts in the median."""
    found: dict[str, Any] = {}
    half = len(held_out[SCORE]) // 2
    for watched in ((SCORE,), tuple(held_out)):
        tried: dict[str, list[int | None]] = {"held-out normals": [], "test normals": []}
        for seed in range(orders):
            rng = np.random.default_rng(seed)
            order = rng.permutation(len(held_out[SCORE]))
            shuffled = rng.permutation(len(good[SCORE]))
            reference = {name: held_out[name][order[:half]] for name in watched}
            parts = {
                "held-out normals": {name: held_out[name][order[half:]] for name in watched},
                "test normals": {name: good[name][shuffled] for name in watched},
            }
            for what, values in parts.items():
                tried[what].append(first_alarm(reference, values, seed))
        for what, first in tried.items():
            raised = [part for part in first if part is not None]
            found[f"{what}, {' and '.join(watched)}"] = {
                "reference": half,
                "parts": len(good[SCORE]) if what == "test normals" else len(order) - half,
                "orders": orders,
                "alarms": len(raised),
                "first part, median": float(np.median(raised)) if raised else None,
            }
    for what, result in found.items():
        print(f"{what:<70} {result['alarms']} of {orders}, part {result['first part, median']}")
    return found | {"once in": ONCE_IN}


def first_alarm(
    reference: Mapping[str, NDArray[np.float64]], values: Values, seed: int
) -> int | None:
    """Return the part of the first alarm; None: there was none."""
    monitor = DriftMonitor(reference, ONCE_IN, seed)
    monitor.add(values)
    return monitor.alarms[0].part if monitor.alarms else None


def of_random_numbers(runs: int = 40, parts: int = 5000) -> dict[str, Any]:
    """Return the parts to a false alarm, with shares of defective parts that lie 4 sigma off."""
    found: dict[str, Any] = {"once in": ONCE_IN, "parts": parts, "streams": runs}
    for share in (0.0, 0.01, 0.03, 0.1):
        alarms = 0
        for seed in range(runs):
            rng = np.random.default_rng(seed)
            values = rng.normal(size=parts) + 4 * (rng.random(parts) < share)
            monitor = DriftMonitor({SCORE: rng.normal(size=60)}, ONCE_IN, seed)
            monitor.add({SCORE: values})
            alarms += len(monitor.alarms)
        found[f"alarms in 1000 parts, defective {share:.0%}"] = 1000 * alarms / (runs * parts)
        print(f"defective {share:.0%}: {1000 * alarms / (runs * parts):.3f} alarms in 1000 parts")
    return found


if __name__ == "__main__":
    main()
