"""What another adversarial training would do at full length, on validation data alone.

    .venv/bin/python benchmarks/adversarial_trainings.py RUN --only "as it is" "k = 50"
    .venv/bin/python benchmarks/adversarial_trainings.py RUN --set adversarial_training.lr=4e-4

Each variant goes on from the plain training of a run, and has a selection and a head of its own.
All are judged by the same validation images and synthetic defects, attacked in the same ways of
scoring, so that the training and not the choice of a way is compared; a map is that of the whole
run. No test image is read. Runs are kept in runs/adversarial_trainings/; what is recorded is not
done again.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablation import noised
from figures import keep, kept
from sets import parsed
from stages import take_over
from torch import Generator, Tensor

from hardsight.attacks import ScoreObjective
from hardsight.attacks.objectives import MapObjective
from hardsight.cli.progress import told
from hardsight.core.types import Detection
from hardsight.detectors import AdvRAD, Bastion, Selection
from hardsight.detectors.advrad.candidates import distance
from hardsight.detectors.advrad.errors import with_reference
from hardsight.evaluation.provenance import commit
from hardsight.metrics import auroc, pixel_auroc
from hardsight.runs import DetectorRun, open_detector_run, start_run

RESULTS = "adversarial_trainings"
VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "peak in the loss, weight 0.3": {"adversarial_training.peak": 0.3},
    **{f"k = {k}": noised(k, k, k) for k in (50, 100, 200)},
}
"""Label -> dotted settings on top of the run's."""
WAYS: dict[str, dict[str, Any]] = {
    "largest 0.15 %, margin 0.06": {"margin": 0.06, "aggregation": "top:0.0015"},
    "maximum, margin 0.12": {"margin": 0.12, "aggregation": "max"},
}
"""How a score is taken from standardised errors of 9 x 9 pixels, as fields of ``Scoring``."""


def fitted(source: DetectorRun, place: Path, changes: dict[str, Any]) -> DetectorRun:
    """Return the run of a changed adversarial training that follows a run's plain training."""
    run = start_run(place, source.config.updated(changes), resume=True)
    if not run.finished:
        if not (place / "training").exists():
            take_over(run, source, "adversarial-training")
        with told() as progress:
            run.fit("cpu", progress=progress)
    return run


def judged(run: DetectorRun) -> dict[str, Any]:
    """Return pixel AUROC, clean and attacked, and for each way to score AUROC and d'."""
    detector, data, settings = run.detector("cpu"), run.data(), run.config.fit.selection
    if not isinstance(detector, AdvRAD | Bastion) or not isinstance(settings, Selection):
        raise SystemExit(f"{run.path} chose nothing; name a run of preset hardsight")
    validation = data.validation.images()
    n = len(validation)
    copies = 1 if n >= 16 else 3
    judging = settings.model_copy(update={"images": n, "copies": copies})
    shown, generator = judging.evidence(validation, 77), Generator().manual_seed(77)

    def seen(images: Tensor) -> Detection:
        return detector.predict(images, Generator().manual_seed(0))

    def pixels(images: Tensor) -> float:
        return pixel_auroc(seen(images).anomaly_map.numpy(), shown.masks.numpy())

    adversarial = judging.attack(
        detector, shown, lambda _, m: MapObjective(detector, m, "balanced"), generator
    )
    found: dict[str, Any] = {"pixel": pixels(shown.images), "pixel, attacked": pixels(adversarial)}
    normals = data.train.images()[:: max(1, len(data.train.samples) // 64)]
    labels = shown.labels.numpy()
    for name, way in WAYS.items():
        scoring = replace(detector.scoring, shots=1, filter_size=9, reference="standardised", **way)
        detector = with_reference(detector, scoring, normals, generator)
        adversarial = judging.attack(
            detector, shown, lambda y, _, d=detector: ScoreObjective(d, y, 1), generator
        )
        clean, attacked = (seen(x).pred_score.double().numpy() for x in (shown.images, adversarial))
        found[name] = {
            "clean": auroc(clean, labels),
            "attacked": auroc(attacked, labels),
            "d', clean": distance(clean, labels),
            "d', attacked": distance(attacked, labels),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="plainly trained at least")
    parser.add_argument("--only", nargs="*", help="variants; default: all")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", dest="settings")
    parser.add_argument("--out", type=Path, default=Path("runs/adversarial_trainings"))
    given = parser.parse_args()
    own = {", ".join(given.settings): parsed(given.settings)}
    for path in given.runs:
        source = open_detector_run(path)
        for label, changes in own.items() if given.settings else VARIANTS.items():
            seed = source.config.training.seed
            key = f"{path.name}, seed {seed} | {label}"
            if key in kept(RESULTS) or (given.only and label not in given.only):
                continue
            place = given.out / f"{path.name}-{label}-{seed}".replace(" ", "_")
            run = fitted(source, place, changes)
            training = run.config.adversarial_training.model_dump()
            found = judged(run)
            print(key, *(f"{name}: {value}" for name, value in found.items()), sep="\n  ")
            keep(RESULTS, key, found | {"adversarial_training": training, "commit": commit()})


if __name__ == "__main__":
    main()
