"""What is left to a margin under the fixed-reconstruction attack?

    .venv/bin/python benchmarks/margins.py runs/hardsight/bottle runs/hardsight/toothbrush

The reconstruction of the clean image is kept, and every pixel moved by eps: away from it on normal
images, towards it on anomalous ones. That is as much as an attacker can do to a network that is not
fooled; how far a real attack falls below it is what the network gives away. For every margin the
best scoring is chosen on validation evidence, attacked and clean; its test figures are reported.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from figures import keep
from torch import Generator, Tensor

from hardsight.data import AnomalyData
from hardsight.detectors import AdvRAD, Selection
from hardsight.detectors.advrad.candidates import scorings
from hardsight.detectors.advrad.fixed_reconstruction import attack_fixed_reconstruction
from hardsight.detectors.advrad.maps import error_over_draws
from hardsight.detectors.advrad.scoring import ReferenceStatistics
from hardsight.detectors.held_out import shares
from hardsight.evaluation.provenance import commit
from hardsight.metrics import auroc
from hardsight.runs import open_detector_run

Maps = dict[float, tuple[Tensor, Tensor]]
"""Margin -> (N, 1, H, W) unfiltered error maps of clean and of attacked images."""


@torch.no_grad()
def error_maps(
    detector: AdvRAD, images: Tensor, labels: Tensor, eps: float, margins: Sequence[float]
) -> Maps:
    """Compare each image and its attacked one with the same reconstructions, by every margin."""
    parts: dict[float, tuple[list[Tensor], list[Tensor]]] = {m: ([], []) for m in margins}
    noise = Generator(detector.device).manual_seed(0)
    for batch, known in zip(images.split(8), labels.split(8), strict=True):
        x = detector.prepare(batch)
        r = detector.reconstruct(x, detector.sample_noise(x, noise))
        adversarial = attack_fixed_reconstruction(x, r, known.to(x.device), eps)
        for shown, place in ((x, 0), (adversarial, 1)):
            for margin in margins:
                error = error_over_draws(shown, r, "error", margin)
                parts[margin][place].append(error.cpu())
    return {m: (torch.cat(clean), torch.cat(worst)) for m, (clean, worst) in parts.items()}


def compare(
    detector: AdvRAD, data: AnomalyData, eps: float, margins: Sequence[float]
) -> list[dict[str, Any]]:
    """Return a row per margin, at the detector's k."""
    settings = Selection()
    choosing, _ = shares(data.validation.images(), True)
    evidence = settings.evidence(choosing, 0)
    train = data.train.images()[: settings.reference_images]
    normal = error_maps(detector, train, torch.zeros(len(train), dtype=torch.bool), 0.0, margins)
    labels = {"validation": evidence.labels, "test": torch.from_numpy(data.test.labels)}
    images = {"validation": evidence.images, "test": data.test.images()}
    maps = {p: error_maps(detector, images[p], labels[p], eps, margins) for p in labels}
    rows = []
    for margin in margins:
        statistics = {
            size: ReferenceStatistics.of(normal[margin][0], size) for size in settings.filter_sizes
        }
        found = {
            f"{part}, {state}": {
                tuple(how.values()): auroc(scores, labels[part].numpy())
                for how, scores in scorings(
                    statistics, maps[part][margin][i], settings.references, settings.aggregations
                )
            }
            for part in labels
            for i, state in enumerate(("clean", "attacked"))
        }
        clean, worst = found["validation, clean"], found["validation, attacked"]
        best = max(clean, key=lambda how: clean[how] + worst[how])
        values = {name: aurocs[best] for name, aurocs in found.items()}
        rows.append({"margin": margin, "scoring": best} | values)
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
    for path in given.runs:
        run = open_detector_run(path)
        detector, data = run.detector(), run.data()
        key = f"{data.name}, {run.config.preset}, k={detector.scoring.k}, {given.eps:g}/255"
        print(key)
        rows = compare(detector, data, given.eps / 255, given.margins)
        keep("margins", key, {"rows": rows, "commit": commit()})


if __name__ == "__main__":
    main()
