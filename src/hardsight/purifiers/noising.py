"""Noise in front of a classifier, and nothing that removes it."""

import math
from typing import Any

import torch
from torch import Tensor

from hardsight.purifiers.base import Purifier, normal_noise, with_noise


class Noising(Purifier):
    """Adds Gaussian noise to an image, as randomized smoothing does (Cohen et al., 2019).

    In front of a classifier one draw is one vote of the smoothed classifier that
    ``certify_classifier`` certifies, and ``Purified`` attacks. The noise is unclamped, as the
    theorem wants it.

    Args:
        sigma: standard deviation in [0, 1] pixel units.

    Raises:
        ValueError: a sigma that is not positive.
    """

    def __init__(self, sigma: float) -> None:
        super().__init__()
        if not (math.isfinite(sigma) and sigma > 0):
            raise ValueError(f"sigma must be finite and > 0, got {sigma}; 0.25 is usual")
        self.sigma = sigma

    @property
    def settings(self) -> dict[str, Any]:
        """The noise."""
        return super().settings | {"sigma": self.sigma}

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw noise (B, 1, C, H, W)."""
        return normal_noise(images, 1, generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return images with the noise."""
        noise = self.sample_noise(images) if noise is None else noise
        return with_noise(images, self.sigma, noise)
