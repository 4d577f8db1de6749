"""A transparent detector, and sets of flat images on which its figures are known."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from hardsight.core.types import Detection
from hardsight.data import AnomalyData, load
from hardsight.detectors import Detector


class Bright(Detector):
    """A transparent detector: an image's map is its brightness plus noise, its score the mean.

    The optimal L-inf attack is known: every score moves by exactly eps, away from the bounds.
    """

    def __init__(self, image_size: int = 16, noise: float = 0.0) -> None:
        super().__init__()
        self.image_size = image_size
        self.noise, self.random = noise, noise != 0
        self.weight = torch.nn.Parameter(torch.ones(()))

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        if self.noise == 0:
            return None
        return self.noise * torch.randn(len(images), 1, 1, 1, generator=generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        maps = self.weight * images.mean(1, keepdim=True) + (0 if noise is None else noise)
        return Detection(maps.flatten(1).mean(1), maps)


def blind(x: Tensor, where: Tensor) -> Tensor:
    """Zeros like x (B, ...), whose gradient is NaN in the rows ``where`` (B,) and 0 elsewhere."""
    seen = (~where).view(-1, *[1] * (x.ndim - 1))
    return 0 * (x - x.detach() + seen).sqrt()


class Saturating(Bright):
    """Bright, whose gradient is NaN as soon as any pixel is above a limit; its score is not."""

    def __init__(self, limit: float = 0.41) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        return super().forward(images + blind(images, images.amax((1, 2, 3)) > self.limit), noise)


class Contrast(Detector):
    """An image's map is its squared distance from its mean, its score the mean of that."""

    def __init__(self) -> None:
        super().__init__()
        self.image_size = 16
        self.register_buffer("place", torch.zeros(()))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        maps = (images - images.mean((2, 3), keepdim=True)).square().mean(1, keepdim=True)
        return Detection(maps.flatten(1).mean(1), maps)


def write_set(
    root: Path, normal: list[int], anomalous: list[int], masks: bool = True
) -> AnomalyData:
    """An MVTec-layout set of flat grey images, an anomalous one bright in its masked upper half."""

    def save(path: Path, top: int, bottom: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((16, 16), bottom, np.uint8)
        pixels[:8] = top
        Image.fromarray(pixels).save(path)

    for i, v in enumerate(np.linspace(90, 110, 30).astype(int)):
        save(root / f"train/good/{i:03}.png", v, v)
    for i, v in enumerate(normal):
        save(root / f"test/good/{i:03}.png", v, v)
    for i, v in enumerate(anomalous):
        save(root / f"test/bright/{i:03}.png", v + 5, v - 5)
        if masks:
            save(root / f"ground_truth/bright/{i:03}_mask.png", 255, 0)
    return load(root, size=16)
