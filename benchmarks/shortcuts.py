"""Can a test set be ranked without looking at its defects?

    .venv/bin/python benchmarks/shortcuts.py bottle screw toothbrush --data ../shared/data/mvtec256

AUROC of two statistics of the whole image, brightness and sharpness, that know nothing of defects:
of the test set, and of the held-out training normals against the test normals, which come from the
same process and should be told apart no better than by chance. Values far from 0.5 mean that normal
and anomalous test pictures were not taken alike, and that a high AUROC may say so and no more.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from figures import write
from torch import Tensor

from hardsight.data import mvtec
from hardsight.evaluation.provenance import commit
from hardsight.metrics import auroc

STATISTICS = {
    "brightness": lambda x: x.mean((1, 2, 3)),
    "sharpness": lambda x: (x - F.avg_pool2d(x, 3, 1, 1)).abs().mean((1, 2, 3)),
}


def against(statistic: str, normal: Tensor, other: Tensor) -> float:
    values = torch.cat([STATISTICS[statistic](x.float() / 255) for x in (normal, other)])
    return auroc(values.double().numpy(), np.repeat([False, True], [len(normal), len(other)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    rows = {}
    for name in given.names:
        data = mvtec(given.data, category=name, size=256)
        images, labels = data.test.images(), torch.from_numpy(data.test.labels)
        normal, anomalous = images[~labels], images[labels]
        held_out = data.validation.images()
        rows[name] = {
            statistic: {
                "test anomalous against test normal": against(statistic, normal, anomalous),
                "held-out normal against test normal": against(statistic, normal, held_out),
                "test anomalous against held-out normal": against(statistic, held_out, anomalous),
            }
            for statistic in STATISTICS
        }
        for statistic, values in rows[name].items():
            print(name, statistic, {k: round(v, 3) for k, v in values.items()})
    write("shortcuts", rows | {"commit": commit()})


if __name__ == "__main__":
    main()
