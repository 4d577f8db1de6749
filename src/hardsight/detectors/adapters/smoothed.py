"""A detector under smoothing noise: what a certificate speaks of, and what to attack."""

import math
from typing import Any

import torch
from torch import Tensor

from hardsight.core.noise import check_noise
from hardsight.core.types import Detection
from hardsight.detectors.adapters.around import Around
from hardsight.detectors.adapters.joined_noise import join, noise_shape, split
from hardsight.detectors.base import Detector


class Smoothed(Around):
    """A detector that sees every image under Gaussian noise, a fresh one in every draw.

    One forward pass is one draw of the score whose median ``hardsight.certify`` bounds: objectives
    that average draws attack the smoothed score, and suites, evaluations and audits take it like
    any other detector. The noise is unclamped, as the theorem wants it.

    Args:
        detector: what is smoothed.
        sigma: standard deviation of the noise in [0, 1] pixel units.

    Raises:
        TypeError: a detector whose own noise is not of floats.
        ValueError: a sigma that is not positive.
    """

    def __init__(self, detector: Detector, sigma: float) -> None:
        super().__init__(detector)
        if not (math.isfinite(sigma) and sigma > 0):
            raise ValueError(f"sigma must be finite and > 0, got {sigma}; 0.125 is usual")
        self.sigma, self.random = sigma, True
        self.draws = 1  # a noisy copy, of which the detector may average draws of its own
        self._own = noise_shape(detector, detector.size, detector.device)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the detector, with the noise."""
        return super().settings | {"smoothing": self.sigma}

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw (B, L): standard normal for each value of the image, then the detector's noise."""
        z = torch.randn(
            images.shape, generator=generator, dtype=images.dtype, device=images.device
        ).flatten(1)
        return join(z, self.detector.sample_noise(images, generator))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score ``images + sigma z``, (B, C, H, W), with ``noise`` as from ``sample_noise``."""
        found: Detection = self.detector(*self._noisy(images, noise))
        return found

    def score_only(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Ask the detector for its ``score_only`` of ``images + sigma z``."""
        return self.detector.score_only(*self._noisy(images, noise))

    def _noisy(self, images: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return noisy images, and the detector's own noise."""
        if noise is None:
            noise = self.sample_noise(images)
        assert noise is not None
        z, own = split(check_noise(noise, images), (images.shape[1:], self._own))
        assert z is not None
        return images + self.sigma * z, own
