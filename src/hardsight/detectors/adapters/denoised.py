"""Denoise and smooth: the smoothing noise is the diffusion's noise, and the only one."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from hardsight.core.progress import Progress, quiet
from hardsight.core.types import Detection
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.advrad.errors import error_maps
from hardsight.detectors.advrad.maps import SCALES, multiscale_error
from hardsight.detectors.advrad.scoring import ReferenceStatistics
from hardsight.detectors.base import Detector


class Denoised(Detector):
    """An AdvRAD that takes images which already hold noise of standard deviation ``sigma``.

    Such an image is a point of the diffusion process as it stands (Carlini et al., (Certified!!)
    Adversarial Robustness for Free!, 2023): the step k is the one whose noise level
    ``sqrt((1 - alpha_bar_k) / alpha_bar_k)`` is nearest to ``2 sigma``, pixels being twice as wide
    in [-1, 1], and the reconstruction adds none. The detector is deterministic, and made to be
    smoothed: an image without noise is none of those it was fitted to.

    The error is that of the noisy image, or of its low-pass: ``scales=(4, 8)`` looks at no finer
    one, where the noise is a sixteenth in variance and less.

    Args:
        detector: fitted; margin, filters, reference and aggregation are its, the weights shared.
        sigma: standard deviation of the smoothing noise in [0, 1] pixel units.
        normals: (N, 3, H, W) training normals, whose noisy copies give mean and spread; N >= 2.
        generator: of their noise.
        scales: downsampling factors of the error; see ``multiscale_error``.
        progress: told after every batch of normals.

    Raises:
        ValueError: a sigma that no step of the schedule is near, or too few normals.
    """

    def __init__(
        self,
        detector: ErrorDetector,
        sigma: float,
        normals: Tensor,
        generator: torch.Generator | None = None,
        scales: Sequence[int] = SCALES,
        progress: Progress = quiet,
    ) -> None:
        super().__init__()
        k = detector.denoiser.schedule.timestep_near(sigma)
        self.image_size, self.sigma, self.scales = detector.image_size, sigma, tuple(scales)
        scoring = replace(detector.scoring, k=k, shots=1, average="error")
        bare = detector.with_scoring(replace(scoring, reference="error"))
        compare = partial(noisy_error, bare, scales=self.scales)
        errors = error_maps(bare, normals, generator, sigma, compare, progress)
        statistics = ReferenceStatistics.of(errors, scoring.filter_size)
        self.detector = detector.with_scoring(scoring, statistics)
        self._decoding = detector.decoding

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the detector it was made of, with the noise it is made for."""
        return self.detector.settings | {"sigma": self.sigma, "scales": self.scales, "draws": 0}

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score noisy images (B, 3, H, W), differentiably; there is no further noise."""
        errors = noisy_error(self.detector, images, self.scales)
        return self.detector.scoring.detect(errors, self.detector.statistics)


def noisy_error(detector: ErrorDetector, images: Tensor, scales: Sequence[int]) -> Tensor:
    """Return the unfiltered error (B, 1, H, W) of images that hold the noise of step k already.

    Args:
        detector: whose reconstruction adds no noise.
        images: (B, C, H, W) in pixel units, noisy.
        scales: downsampling factors, see ``multiscale_error``.
    """
    none = images.new_zeros(len(images), 1, *images.shape[1:])
    reconstructed = detector.reconstruct(images, none)[:, 0]
    return multiscale_error(images, reconstructed, scales, detector.scoring.margin)
