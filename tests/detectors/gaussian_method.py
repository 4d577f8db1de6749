"""A method in one file: every pixel beside those of normal images at its place."""

import copy

import torch
from torch import Tensor

from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors import SavedDetector
from hardsight.detectors.fitted import Fitted, Work
from hardsight.detectors.fitting import calibrated
from hardsight.detectors.method import FitConfig, Method


class PixelGaussian(SavedDetector):
    """Score the squared distance from the mean of normal pixels, in their standard deviations."""

    def __init__(self, image_size: int = 64, floor: float = 0.02) -> None:
        super().__init__()
        self.image_size, self.floor = image_size, floor
        for name in ("mean", "std"):
            self.register_buffer(name, torch.zeros(3, image_size, image_size))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score (B, 3, H, W) by the most distant pixel."""
        maps = ((images - self.mean) / (self.std + self.floor)).square().mean(1, keepdim=True)
        return Detection(maps.flatten(1).amax(1), maps)


def fit(detector: PixelGaussian, data: AnomalyData, config: FitConfig, work: Work) -> Fitted:
    """Take mean and standard deviation from the training images, calibrate on the held-out."""
    found = copy.deepcopy(detector)
    normals = found.prepare(data.train.images())
    found.mean, found.std = normals.mean(0), normals.std(0)
    return calibrated(found, data.validation.images(), data, config)


METHOD = Method(
    "gaussian", PixelGaussian, "Compare every pixel with a Gaussian.", "gaussian.yaml", fit
)
