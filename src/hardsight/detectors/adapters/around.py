"""What detectors round another detector have in common."""

from typing import Any

import torch

from hardsight.detectors.base import Detector


class Around(Detector):
    """A detector that scores through another, which is shared, not copied.

    Args:
        detector: the one inside.
    """

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector
        self.image_size, self.draws = detector.image_size, detector.draws
        self.random, self.noise_seed = detector.random, detector.noise_seed
        self.has_maps, self.differentiable = detector.has_maps, detector.differentiable
        self._decoding = detector.decoding
        if detector.bypass is not None:
            name, surrogate = detector.bypass
            self.bypass = (f"detector.{name}", surrogate)

    @property
    def size(self) -> tuple[int, int]:
        """The size of the detector inside."""
        return self.detector.size

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the detector inside."""
        return self.detector.settings

    @property
    def device(self) -> torch.device:
        """Where the detector inside computes."""
        return self.detector.device
