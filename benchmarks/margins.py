"""What is left to a margin when the attack only paints, and the network is not fooled?

    .venv/bin/python benchmarks/margins.py runs/hardsight/bottle runs/hardsight/toothbrush

The reconstruction of the clean image is kept, and every pixel moved by eps: away from it on normal
images, towards it on anomalous ones. No training can do better than this AUROC; how far a real
attack falls below it is what the network gives away. For every margin the best scoring is chosen on
validation evidence, painted and clean, and the test figures of that one are reported.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from hardsight.data import AnomalyData
from hardsight.detectors import AdvRAD, Selection
from hardsight.detectors.candidates import scorings
from hardsight.detectors.evidence import shares
from hardsight.detectors.scoring import normal_errors
from hardsight.evaluation.provenance import commit
from hardsight.metrics import auroc
from hardsight.runs import Run

Scores = dict[tuple[Any, ...], NDArray[np.float64]]
"""(filter size, reference, aggregation) -> scores of the images."""


def painted(x: Tensor, r: Tensor, labels: Tensor, eps: float) -> Tensor:
    """Images moved by eps away from their reconstruction (normal), or towards it."""
    difference = x - r.mean(1)
    towards = x - difference.sign() * difference.abs().clamp(max=eps)
    away = x + eps * difference.sign()
    return torch.where(labels.view(-1, 1, 1, 1), towards, away).clamp(0, 1)


@torch.no_grad()
def both(
    detector: AdvRAD, images: Tensor, labels: Tensor, eps: float, margin: float, yards: Any
) -> tuple[Scores, Scores]:
    """Scores of clean and of painted images, every way."""
    parts: tuple[list[Tensor], list[Tensor]] = ([], [])
    noise = Generator(detector.device).manual_seed(0)
    for batch, known in zip(images.split(8), labels.split(8), strict=True):
        x = detector.prepare(batch)
        r = detector.reconstruct(x, detector.sample_noise(x, noise))
        for kept, shown in zip(parts, (x, painted(x, r, known.to(x.device), eps)), strict=True):
            kept.append(detector.compare(shown, r, "error", margin).cpu())
    choices = Selection().references, Selection().aggregations
    clean, worst = (
        {tuple(how.values()): s for how, s in scorings(yards, torch.cat(p), *choices)}
        for p in parts
    )
    return clean, worst


def compare(detector: AdvRAD, data: AnomalyData, eps: float, margins: list[float]) -> list[Any]:
    """Return a row per margin; the detector keeps its k."""
    settings = Selection()
    choosing, _ = shares(data.validation.images(), True)
    evidence = settings.evidence(choosing, 0)
    chosen_by = evidence.images, evidence.labels
    judged_by = data.test.images(), torch.from_numpy(data.test.labels)
    train = data.train.images()[: settings.reference_images]
    rows = []
    for margin in margins:
        detector.configure(
            k=detector.k, average="error", margin=margin, filter_size=1, reference="error",
            aggregation="max",
        )  # fmt: skip
        errors = detector.error_maps(train, Generator(detector.device).manual_seed(0))
        yards = {size: normal_errors(errors, size) for size in settings.filter_sizes}
        valued, tested = (
            [
                {how: auroc(s, labels.numpy()) for how, s in scores.items()}
                for scores in both(detector, images, labels, eps, margin, yards)
            ]
            for images, labels in (chosen_by, judged_by)
        )
        best = max(valued[0], key=lambda how: valued[0][how] + valued[1][how])
        rows.append(
            {
                "margin": margin,
                "scoring": best,
                "validation, clean": valued[0][best],
                "validation, painted": valued[1][best],
                "test, clean": tested[0][best],
                "test, painted": tested[1][best],
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--eps", type=float, default=8, help="L-inf radius in 255ths")
    parser.add_argument("--margins", type=float, nargs="+", default=[0, 0.03, 0.06, 0.12, 0.25])
    given = parser.parse_args()
    target = Path(__file__).parent / "results" / "margins.json"
    kept = json.loads(target.read_text()) if target.exists() else {}
    for path in given.runs:
        run = Run(path)
        detector = run.detector()
        key = f"{run.data().name}, {run.config.preset}, k={detector.k}, {given.eps:g}/255"
        print(key)
        rows = compare(detector, run.data(), given.eps / 255, given.margins)
        kept[key] = {"rows": rows, "commit": commit()}
        target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
