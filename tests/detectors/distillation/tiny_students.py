"""Detectors of this room small enough to train in a second."""

import torch
from torch import Tensor

from hardsight.detectors import STFPM, Dinomaly, ReContrast, ReverseDistillation

BACKBONE = {"name": "test_resnet", "weights": "random", "taps": [0, 1]}
TINY = {"backbone": BACKBONE, "image_size": 32, "precision": "fp32"}
STUDENTS = {
    "stfpm": STFPM,
    "reverse-distillation": ReverseDistillation,
    "recontrast": ReContrast,
    "dinomaly": Dinomaly,
}


def tiny(method: str, **settings):
    """Return an unfitted detector with batch norms that have seen images."""
    found = STUDENTS[method](**TINY | settings)
    found.student.train()
    for seed in range(3):
        found.loss(images(8, found.image_size, seed))
    return found.eval()


def images(n: int = 3, size: int = 32, seed: int = 5) -> Tensor:
    return 0.2 + 0.6 * torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed))
