"""Which share of the defects lies on the foreground, by saliency and by Grad-CAM.

    .venv/bin/python benchmarks/foregrounds.py --data DATA --sheets runs/foregrounds \
        bottle toothbrush screw grid

Pseudo-anomalies are made on the foreground alone: a defect outside is of a sort that training does
not show. Foregrounds are found as in a fit, here of defective test images, whose masks say where
the defects are; the sheets, to be looked at, show those of normal images.
"""

import argparse
from pathlib import Path
from typing import Any, get_args

import torch
from figures import keep
from torch import Tensor

from hardsight.data import AnomalyData, foreground_sheet, load
from hardsight.data.splits import evenly
from hardsight.evaluation.provenance import commit
from hardsight.synthesis import Foreground, find_foreground
from hardsight.training import write_picture

METHODS = [name for name in get_args(Foreground) if name != "all"]


def overlap(where: Tensor, masks: Tensor) -> dict[str, float]:
    """Return the share of an image that is foreground, and of its defects that lies on it.

    Args:
        where: (N, 1, H, W) bool, the foreground.
        masks: (N, 1, H, W) bool, the defects; at least a pixel in each image.

    Returns:
        "image", "defect" and "untouched": the last is the share of images none of whose defects
        reaches the foreground.
    """
    inside = (where & masks).flatten(1).sum(1) / masks.flatten(1).sum(1)
    return {
        "image": float(where.float().mean()),
        "defect": float(inside.mean()),
        "untouched": float((inside == 0).float().mean()),
    }


def measure(data: AnomalyData, count: int, sheets: Path | None) -> dict[str, dict[str, float]]:
    """Return the overlap on ``count`` defective images by the name of a foreground."""
    index = evenly(data.test.labels.nonzero()[0], count)
    images, masks = data.test.images()[index], torch.as_tensor(data.test.masks())[index]
    normals = data.train.images()
    normals = normals[torch.linspace(0, len(normals) - 1, min(count, len(normals))).long()]
    found = {}
    for name in METHODS:
        found[name] = overlap(find_foreground(name, images), masks)
        if sheets is not None:
            picture = foreground_sheet(normals, find_foreground(name, normals), count)
            write_picture(picture, sheets / f"{data.name}-{name}.png")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data", type=Path, required=True, help="folder of the categories")
    parser.add_argument("--images", type=int, default=12, help="defective images of each")
    parser.add_argument("--sheets", type=Path, help="folder for pictures of foregrounds")
    given = parser.parse_args()
    for name in given.names:
        data = load(given.data / name, size=256)
        rows: dict[str, Any] = dict(measure(data, given.images, given.sheets))
        keep("foregrounds", f"{name}, {given.images} images", rows | {"commit": commit()})
        print(name, rows, flush=True)


if __name__ == "__main__":
    main()
