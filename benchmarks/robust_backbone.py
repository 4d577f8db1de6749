"""Fine-tune the bundled backbone adversarially, and measure how far an attack moves its features.

    .venv/bin/python benchmarks/robust_backbone.py bottle toothbrush --data ../shared/data/mvtec256
    .venv/bin/hardsight fit --preset simplenet-robust --data ../shared/data/mvtec256/bottle \
        --set detector.backbone.weights=runs/robust_backbone/backbone.safetensors

It learns from the training images of all categories named, and needs no labels. The shift is that
of ``feature_shift`` on held-out normal images of each: of the clean image, and under ten steps of
PGD that training did not see, beside that of the original backbone.
"""

import argparse
import time
from pathlib import Path

import torch
from figures import keep
from torch import Generator, Tensor

from hardsight.attacks import PGD, Linf, frozen, parse_radius
from hardsight.backbones import Backbone
from hardsight.cli.progress import told
from hardsight.data import load
from hardsight.detectors.finetuning import (
    FeatureShift,
    FineTuning,
    feature_shift,
    finetune_backbone,
)
from hardsight.detectors.fitted import Work
from hardsight.evaluation.provenance import commit

SHOWN = 8
"""Held-out images of a category that are attacked."""


def shifts(backbone: Backbone, original: Backbone, images: Tensor, eps: float) -> dict[str, float]:
    """Return the mean shift of features (N, 3, H, W) uint8, clean and attacked."""
    x = images.float() / 255
    attack, generator = PGD(Linf(eps), steps=10), Generator().manual_seed(0)
    with torch.no_grad():
        targets = original(x)
        clean = feature_shift(backbone(x), targets)
    with frozen(backbone):
        attacked = attack(FeatureShift(backbone, targets), x, generator).objective
    return {"clean": float(clean.mean()), "attacked": float(attacked.mean())}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data", type=Path, required=True, help="folder of categories")
    parser.add_argument("--runs", type=Path, default=Path("runs/robust_backbone"))
    parser.add_argument("--eps", type=parse_radius, default=FineTuning().eps)
    parser.add_argument("--steps", type=int, default=FineTuning().training.steps)
    parser.add_argument("--taps", type=int, nargs="+", default=[2, 3])
    parser.add_argument("--size", type=int, default=256, help="of the images, in pixels")
    given = parser.parse_args()
    data = {name: load(given.data, name, size=given.size) for name in given.names}
    images = torch.cat([found.train.images() for found in data.values()])
    config = FineTuning(eps=given.eps)
    training = config.training.model_copy(update={"steps": given.steps})
    config = config.model_copy(update={"training": training})
    original = Backbone(taps=given.taps).pretrained()
    begun = time.perf_counter()
    with told() as progress:
        work = Work(given.runs / "training", resume=True, progress=progress)
        tuned = finetune_backbone(original, images, config, work)
    seconds = time.perf_counter() - begun
    path = tuned.save(given.runs / "backbone.safetensors")
    print(f"{path}: {seconds:.0f} s for {given.steps} steps at eps {given.eps:.4f}")
    for name, found in data.items():
        shown = found.validation.images()[:SHOWN]
        rows = {
            label: shifts(backbone, original, shown, given.eps)
            for label, backbone in (("original", original), ("fine-tuned", tuned))
        }
        figures = {"steps": given.steps, "eps": given.eps, "seconds": seconds, "commit": commit()}
        keep("robust_backbone", name, rows | figures)
        print(name, rows)


if __name__ == "__main__":
    main()
