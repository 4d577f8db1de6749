"""What one pose brings to PaDiM and PatchCore, and how far an attack moves the estimate.

    .venv/bin/python benchmarks/pose.py --data DATA --methods padim screw

Clean image AUROC of all test images, against their own good parts and against those held out of
training, of the preset with and without ``detector.pose=moments``; and the pose of good test images
under PGD that turns the axis or shifts the centre, as far as each radius allows.
"""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from figures import keep
from torch import Tensor

from hardsight.attacks import PGD, Linf
from hardsight.config import load_preset
from hardsight.data import AnomalyData, load
from hardsight.detectors import Posed
from hardsight.detectors.adapters.posed import posed_data
from hardsight.detectors.fitted import Work
from hardsight.detectors.methods import METHODS
from hardsight.detectors.pose import Pose, pose_of
from hardsight.evaluation.provenance import commit
from hardsight.evaluation.rows import held_out_row
from hardsight.metrics import auroc

RADII = (2, 8)
"""Of 255."""


def aurocs(name: str, data: AnomalyData, posed: bool) -> dict[str, float]:
    """Return the clean image AUROC of a preset, of the test set and against held-out normals."""
    config = load_preset(name)
    method = METHODS[config.method]
    shown = posed_data(data) if posed else data
    detector = method.fit(method.detector(**config.arguments), shown, config.fit, Work()).detector
    found = Posed(detector) if posed else detector
    scores = found.predict(data.test.images()).pred_score.double().numpy()
    held_out = found.predict(data.validation.images()).pred_score.double().numpy()
    against = held_out_row(scores, data.test.labels, held_out).mean.value
    return {"test": float(auroc(scores, data.test.labels)), "held-out": against}


def turned(pose: Pose, clean: Pose) -> Tensor:
    """Return the angles (B,) between two axes in degrees, which point either way."""
    half = (pose.angle - clean.angle) % math.pi
    return torch.minimum(half, math.pi - half) * 180 / math.pi


def shifted(pose: Pose, clean: Pose) -> Tensor:
    """Return the distances (B,) of two centres in shares of the image's side."""
    return (pose.centre - clean.centre).norm(dim=1) / 2


def moved(images: Tensor, eps: float, steps: int) -> dict[str, list[float]]:
    """Return median and largest angle, and shift, that PGD reaches on images (N, 3, H, H)."""
    with torch.no_grad():
        clean = pose_of(images)
    measures: dict[str, Callable[[Pose, Pose], Tensor]] = {"degrees": turned, "side": shifted}
    found = {}
    for unit, measure in measures.items():

        def objective(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
            return measure(pose_of(x), clean)  # noqa: B023 (used at once)

        worst = PGD(Linf(eps), steps)(objective, images, torch.Generator().manual_seed(0))
        found[unit] = [float(worst.objective.median()), float(worst.objective.max())]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data", type=Path, required=True, help="folder of the categories")
    parser.add_argument("--methods", nargs="+", default=["padim", "patchcore"])
    parser.add_argument("--images", type=int, default=16, help="good test images attacked")
    parser.add_argument("--steps", type=int, default=20, help="of PGD")
    given = parser.parse_args()
    for name in given.names:
        data = load(given.data / name, size=256)
        good = data.test.images()[~data.test.labels][: given.images].float() / 255
        rows: dict[str, Any] = {
            f"pose under L-inf {k}/255": moved(good, k / 255, given.steps) for k in RADII
        }
        for method in given.methods:
            for posed in (False, True):
                key = f"{method}, posed" if posed else method
                rows[key] = aurocs(method, data, posed)
                print(name, key, rows[key], flush=True)
        keep("pose", name, rows | {"images": len(good), "steps": given.steps, "commit": commit()})
        print(name, rows, flush=True)


if __name__ == "__main__":
    main()
