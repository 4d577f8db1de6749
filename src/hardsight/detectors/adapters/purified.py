"""A purifier in front of a detector."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Size, Tensor

from hardsight.core.capabilities import title_of
from hardsight.core.types import Detection
from hardsight.detectors.adapters.around import Around
from hardsight.detectors.adapters.joined_noise import join, noise_shape, split
from hardsight.detectors.base import Detector
from hardsight.purifiers import Purifier
from hardsight.purifiers.draws import purify_draws, sample_draws
from hardsight.purifiers.purified import Purified


class PurifiedDetector(Around):
    """Any purifier in front of any detector: purify, then detect.

    The score is the mean over ``draws`` purifications of an image, and so is the map. The gradient
    is that of the whole path. A purifier that removes what an attack added also removes what it
    takes for an attack, small defects among it: see ``benchmarks/purify_then_detect.py``.

    It has no threshold of its own: scores of purified images are others, so ``calibrate`` it.

    Args:
        purifier: what comes first, on the device of the detector.
        detector: what scores the purified images.
        draws: purifications of each image, 1 where the purifier takes no noise.

    Raises:
        TypeError: noise that is not of floats.
        ValueError: fewer draws than one.

    Examples:
        >>> import torch
        >>> from hardsight.detectors import PurifiedDetector, as_detector
        >>> from hardsight.diffusion import FastDenoiser
        >>> from hardsight.purifiers import DDIMPurifier
        >>> detector = as_detector(lambda images: images.mean((1, 2, 3)), image_size=16)
        >>> denoiser = FastDenoiser(16, channels=8, multipliers=(1, 1), patch=2)
        >>> purified = PurifiedDetector(DDIMPurifier(denoiser, depth=50), detector, draws=2)
        >>> purified.predict(torch.rand(4, 3, 16, 16)).pred_score.shape
        torch.Size([4])
    """

    def __init__(self, purifier: Purifier, detector: Detector, draws: int = 1) -> None:
        super().__init__(detector)
        if draws < 1:
            raise ValueError(f"draws must be at least 1, got {draws}")
        self.bypass = Purified.bypass  # round the purifier, no part of the detector
        self.purifier = purifier
        self._noise_of = purifier.sample_noise  # also while a BPDA stands in for the purifier
        first, own = (noise_shape(p, self.size, self.device) for p in (purifier, detector))
        self.purifications = 1 if first is None else draws
        self.draws = self.purifications * detector.draws
        self.random = first is not None or own is not None
        self._shapes = [
            None if shape is None else Size((self.purifications, *shape)) for shape in (first, own)
        ]

    @property
    def title(self) -> str:
        """The detector's, and the purifier's."""
        return f"{title_of(self.detector)} behind {title_of(self.purifier)}"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the detector, with the purifier's."""
        own = {"purifier": self.purifier.settings, "purifications": self.purifications}
        return super().settings | own

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw (B, L): the noise of each purification, then that of each score."""
        both = (self._noise_of, self.detector.sample_noise)
        return join(*(sample_draws(s, images, self.purifications, generator) for s in both))

    def purify(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Purify (B, C, H, W) to (B, purifications, C, H, W), as they are scored."""
        first, _ = self._noises(images, noise)
        return purify_draws(self.purifier, images, first)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score purified images (B, 3, H, W), with ``noise`` as from ``sample_noise``."""
        return self._averaged(self.detector, images, noise)

    def score_only(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Ask the detector for its ``score_only`` of purified images."""
        return self._averaged(self.detector.score_only, images, noise)

    def _averaged(
        self, judge: Callable[..., Detection], images: Tensor, noise: Tensor | None
    ) -> Detection:
        """Average score and map over the purifications of each image."""
        first, own = self._noises(images, noise)
        clean = purify_draws(self.purifier, images, first)
        found = judge(clean.flatten(0, 1), None if own is None else own.flatten(0, 1))
        score, maps = (
            torch.unflatten(part, 0, clean.shape[:2]).mean(1)
            for part in (found.pred_score, found.anomaly_map)
        )
        return Detection(score, maps)

    def _noises(self, images: Tensor, noise: Tensor | None) -> list[Tensor | None]:
        """Return the noise (B, purifications, ...) of the purifier and that of the detector."""
        return split(self.sample_noise(images) if noise is None else noise, self._shapes)
