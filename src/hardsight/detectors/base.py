"""The contract of every detector."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from hardsight.core.batches import at_once
from hardsight.core.types import Detection, check_images
from hardsight.detectors.calibration import Calibration


class Detector(nn.Module, ABC):
    """A deterministic, differentiable function of (images, noise)."""

    image_size: int
    """Height and width the detector takes, in pixels; the larger of them where they differ."""
    draws: int = 1
    """Noise draws averaged in one score."""
    has_maps: bool = True
    """Whether the anomaly map says more than the score does."""
    differentiable: bool = True
    """Whether scores have a gradient; one that has none can be attacked by queries or transfer."""
    bypass: tuple[str, Callable[[Tensor], Tensor]] | None = None
    """A submodule that a BPDA may go round, and what it does instead, backwards; None: none."""
    paper: str | None = None
    """Where the detector was published, for the figures to be held against; None: nowhere."""
    calibration: Calibration | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width the detector takes, in pixels."""
        return self.image_size, self.image_size

    @property
    def settings(self) -> dict[str, Any]:
        """What decides how the detector scores, for the record; empty where nothing is known."""
        return {}

    @property
    def device(self) -> torch.device:
        """Where the detector computes."""
        return next(chain(self.parameters(), self.buffers())).device

    @abstractmethod
    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch, differentiably.

        Args:
            images: (B, C, H, W) in [0, 1].
            noise: what ``sample_noise`` returned for as many images; None draws it from torch's
                global generator.
        """

    def scoring(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Return the score of ``forward`` and the map that it was taken from, and make no other.

        What attacks of the score go through, and their surrogates speak of.
        """
        found: Detection = self(images, noise)
        return found

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw all the randomness of one forward pass; None for a deterministic detector."""
        return None

    def check(self, images: Tensor) -> Tensor:
        """Return ``images`` if this detector can score them, else say what is wrong."""
        check_images(images)
        height, width = self.size
        if images.shape[1:] != (3, height, width):
            size = height if height == width else self.size
            raise ValueError(
                f"images must have shape (B, 3, {height}, {width}) for this detector, got "
                f"{tuple(images.shape)}; read them with size={size}"
            )
        return images

    def prepare(self, images: Tensor) -> Tensor:
        """Return stored images, uint8 or float, on the device as ``forward`` takes them."""
        x = images.to(self.device)
        return self.check(x.float() / 255 if x.dtype == torch.uint8 else x)

    def predict(
        self, images: Tensor, generator: torch.Generator | None = None, batch_size: int = 8
    ) -> Detection:
        """Score images of any number without gradients, and label them once calibrated.

        Args:
            images: (N, 3, H, W) float in [0, 1], or uint8.
            generator: where the noise comes from.
            batch_size: images scored at a time, or fewer large ones.

        Returns:
            Detection on the CPU; labels and masks are None until calibrated.
        """
        parts = list(self.stream(images, generator, batch_size))
        score = torch.cat([p.pred_score for p in parts])
        maps = torch.cat([p.anomaly_map for p in parts])
        return self.label(Detection(score, maps))

    @torch.no_grad()
    def stream(
        self, images: Tensor, generator: torch.Generator | None = None, batch_size: int = 8
    ) -> Iterator[Detection]:
        """Yield the detections of ``predict`` batch by batch, unlabelled."""
        for batch in torch.split(images, at_once(images.shape, batch_size)):
            x = self.prepare(batch)
            found = self(x, self.sample_noise(x, generator))
            yield Detection(found.pred_score.cpu(), found.anomaly_map.cpu())

    def label(self, detection: Detection) -> Detection:
        """Fill in ``pred_label`` and ``pred_mask`` from the calibration, if there is one."""
        if self.calibration is None:
            return detection
        return detection._replace(
            pred_label=detection.pred_score > self.calibration.threshold,
            pred_mask=detection.anomaly_map > self.calibration.map_threshold,
        )

    def calibrate(
        self, normals: Tensor, level: float | None = None, generator: torch.Generator | None = None
    ) -> Calibration:
        """Set the threshold from normal images held out of everything else.

        Args:
            normals: (n, 3, H, W) float in [0, 1], or uint8.
            level: false-alarm rate; None takes 1 %, or the lowest that n images can support.

        Raises:
            ValueError: too few images for the level.
        """
        found = self.predict(normals, generator)
        self.calibration = Calibration.fit(
            found.pred_score.double().numpy(),
            found.anomaly_map.flatten(1).amax(1).double().numpy(),
            level,
        )
        return self.calibration
