"""One model each, one for all, that one as a start, and few normals; results/categories.json.

    .venv/bin/python benchmarks/categories.py --data ../shared/data/mvtec256 bottle screw toothbrush
    .venv/bin/python benchmarks/categories.py --textures --preset demo brick grass

The model for all gets as many steps as one model; its weights are those that a start starts from.
Image AUROC on clean test images; a second call goes on where the first was. Runs are kept in
runs/categories/.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from figures import keep
from sets import add_sets, changed, root

from hardsight.cli.progress import told
from hardsight.config import load_preset
from hardsight.data import AnomalyData, Manifest
from hardsight.detectors import Detector
from hardsight.evaluation.provenance import describe
from hardsight.evaluation.subjects.synthetic import demand_defects
from hardsight.metrics import auroc
from hardsight.runs import DetectorRun, start_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_sets(parser, "advrad")
    parser.add_argument("--tuning", type=int, default=300, help="steps after the start")
    parser.add_argument("--few", type=int, nargs="*", default=[10, 20, 50])
    parser.add_argument("--draws", type=int, default=10, help="noise draws averaged")
    parser.add_argument("--runs", type=Path, default=Path("runs/categories"))
    parser.add_argument("--results", default="categories")
    given = parser.parse_args()
    config = changed(load_preset(given.preset), given)
    place = root(given, config)
    config = config.updated({"data.path": str(place)})

    def fitted(folder: str, **changes: Any) -> DetectorRun:
        whole = config.updated({key.replace("__", "."): v for key, v in changes.items()})
        run = start_run(given.runs / folder, whole, resume=True)
        if not run.finished:
            with told() as progress:
                run.fit(progress=progress)
        return run

    every = fitted("all", data__category=given.names)
    for name in given.names:
        start = {"data__category": name, "start": str(every.path)}
        runs = {
            "one each": fitted(f"{name}-alone", data__category=name),
            "one for all": every,
            "start, not tuned": fitted(f"{name}-kept", **start, training__steps=0),
            "start, tuned": fitted(f"{name}-tuned", **start, training__steps=given.tuning),
        }
        there = len(runs["one each"].data().train)
        for count in [n for n in given.few if n <= there]:
            few = {"data__category": name, "data__limit_train": count}
            for augment in ("turns", "all"):
                label, folder = f"{count} normals, {augment}", f"{name}-{count}-{augment}"
                runs[label] = fitted(folder, **few, augment=augment)
        for label, run in runs.items():
            detector = run.detector()
            data = run.data(place / name) if run is every else run.data()
            # the model for all is tested on one category at a time, as the others are
            value = measured(detector, data, given.draws)
            about = describe(detector, data, Manifest.of(data).sha256, config.training.seed)
            keep(given.results, f"{name}, {label}", {"image AUROC": value} | about)
            print(f"{name:<12} {label:<20} {value:.3f}")


def measured(detector: Detector, data: AnomalyData, draws: int) -> float:
    """Image AUROC of scores averaged over fresh draws of noise."""
    noise = torch.Generator(detector.device).manual_seed(1)
    images = data.test.images()
    scores = torch.stack([detector.predict(images, noise).pred_score for _ in range(draws)])
    return auroc(scores.double().mean(0).numpy(), demand_defects(data))


if __name__ == "__main__":
    main()
