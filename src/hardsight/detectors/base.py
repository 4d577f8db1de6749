"""The contract of every detector."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Self

import torch
from torch import Generator, Tensor, nn

from hardsight.core.batches import at_once
from hardsight.core.modules import sharing
from hardsight.core.types import Detection, check_images
from hardsight.data import Decoding
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.inputs import Images, batches
from hardsight.metrics import alarms


class Detector(nn.Module, ABC):
    """A deterministic, differentiable function of (images, noise).

    What decides (``predict``, ``stream``, ``decide``, ``calibrate``) scores every image on the same
    known noise, so that an image has one score: alone, in any batch, in any order. Fresh noise is
    for evaluations and certificates, which pass a generator.
    """

    image_size: int
    """Height and width the detector takes, in pixels; the larger of them where they differ."""
    draws: int = 1
    """Noise draws averaged in one score."""
    noise_seed: int = 0
    """Seed of the known noise that decisions are made on."""
    random: bool = False
    """Whether ``sample_noise`` gives noise; if not, it returns None."""
    has_maps: bool = True
    """Whether the anomaly map says more than the score does."""
    differentiable: bool = True
    """Whether scores have a gradient; one that has none can be attacked by queries or transfer."""
    exportable: bool = False
    """Whether the detector can be written as a graph of (images, noise)."""
    categories: bool = False
    """Whether one detector can be fitted to several categories together."""
    tileable: bool = True
    """Whether large pictures may be scored by their tiles, wherever these lie; see ``Tiled``."""
    bypass: tuple[str, Callable[[Tensor], Tensor]] | None = None
    """A submodule that a BPDA may go round, and what it does instead, backwards; None: none."""
    paper: str | None = None
    """The published method whose figures stand beside its own, e.g. "SPADE"; None: none."""
    calibration: Calibration | None = None
    _decoding: Decoding | None = None
    """How images are to be decoded where there is no calibration to say so; None: as files are."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width the detector takes, in pixels."""
        return self.image_size, self.image_size

    @property
    def decoding(self) -> Decoding:
        """How images are to be decoded: as those of the calibration were, or of the last one."""
        if self.calibration is not None:
            return self.calibration.decoding(self.size)
        return replace(self._decoding or Decoding(self.size), size=self.size)

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

    def score_only(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Return the score of ``forward`` and the map that it was taken from, and make no other.

        What attacks of the score go through, and their surrogates speak of.
        """
        found: Detection = self(images, noise)
        return found

    def sample_noise(self, images: Tensor, generator: Generator | None = None) -> Tensor | None:
        """Draw all the randomness of one forward pass; None for a deterministic detector.

        Returns:
            (B, ...) on the device of the images, with which a generator must agree.
        """
        return None

    def decision_noise(self, images: Tensor) -> Tensor | None:
        """Return the noise of a decision: that of one image, drawn from ``noise_seed``, for all.

        It depends on nothing in ``images`` but their number: a noise that followed their content,
        place or batch would hide what an attack can do, or change a score without a reason.

        Raises:
            TypeError: ``sample_noise`` and ``random`` contradict each other.
        """
        blank = torch.zeros(1, *images.shape[1:])  # on the CPU: on every device the same noise
        noise = self.sample_noise(blank, Generator().manual_seed(self.noise_seed))
        if self.random != (noise is not None):
            name = type(self).__name__
            raise TypeError(
                f"{name}.random is {self.random}, and sample_noise returned "
                f"{'None' if noise is None else 'noise'}; set random to {not self.random}"
            )
        if noise is None:
            return None
        noise = noise.to(images) if noise.is_floating_point() else noise.to(images.device)
        return noise.expand(len(images), *noise.shape[1:])

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
        self,
        images: Images,
        generator: Generator | None = None,
        batch_size: int = 8,
        bits: int | None = None,
    ) -> Detection:
        """Score images of any number without gradients, and label them once calibrated.

        Args:
            images: paths, Pillow images, arrays (H, W, 3) or tensors (N, 3, H, W); see ``Images``.
            generator: of fresh noise; None: the known noise, see ``decision_noise``.
            batch_size: images scored at a time, or fewer large ones.
            bits: of grey images in files of 16 bits, see ``read_image``; None: as in calibration.

        Returns:
            Detection on the CPU; labels and masks are None until calibrated.

        Raises:
            TypeError, ValueError: what is no image, or none that this detector takes.
        """
        parts = list(self.stream(images, generator, batch_size, bits))
        score = torch.cat([p.pred_score for p in parts])
        found = Detection(score, torch.cat([p.anomaly_map for p in parts]))
        return found if self.calibration is None else self.label(found)

    def decide(self, images: Images, batch_size: int = 8) -> Detection:
        """Score and label images on the known noise.

        Args:
            images, batch_size: see ``predict``.

        Raises:
            ValueError: there is no threshold.
        """
        self.demand_calibration()  # before the work
        return self.predict(images, batch_size=batch_size)

    @torch.no_grad()
    def stream(
        self,
        images: Images,
        generator: Generator | None = None,
        batch_size: int = 8,
        bits: int | None = None,
    ) -> Iterator[Detection]:
        """Yield the detections of ``predict`` batch by batch, unlabelled."""
        count = at_once(self.size, batch_size)
        for batch in batches(images, self.decoding.at(bits), count):
            x = self.prepare(batch)
            noise = self.decision_noise(x) if generator is None else self.sample_noise(x, generator)
            found = self(x, noise)
            yield Detection(found.pred_score.cpu(), found.anomaly_map.cpu())

    def demand_calibration(self) -> Calibration:
        """Return the calibration that every decision needs.

        Raises:
            ValueError: there is none; the message says how to get one.
        """
        if self.calibration is None:
            raise ValueError(
                f"this {type(self).__name__} has no threshold, so nothing can be decided; set one "
                "with detector.calibrate(normals), from normal images held out of training, or fit "
                "again"
            )
        return self.calibration

    def label(self, detection: Detection) -> Detection:
        """Fill in ``pred_label`` and ``pred_mask`` of a detection from the thresholds.

        What is not finite is never good, see ``hardsight.metrics.alarms``.

        Raises:
            ValueError: there is no threshold.
        """
        calibration = self.demand_calibration()
        return detection._replace(
            pred_label=alarms(detection.pred_score, calibration.threshold),
            pred_mask=alarms(detection.anomaly_map, calibration.map_threshold),
        )

    def with_calibration(self, calibration: Calibration | None) -> Self:
        """Return this detector with another threshold, or with none; all weights are shared."""
        found = sharing(self)
        found._decoding, found.calibration = self.decoding, calibration
        return found

    def calibrate(self, normals: Images, level: float | None = None) -> Self:
        """Return this detector with a threshold from normal images held out of everything else.

        Images are decoded as before, see ``decoding``.

        Args:
            normals: see ``predict``.
            level: false-alarm rate; None takes 1 %, or the lowest that so many images can support.

        Raises:
            ValueError: too few images for the level.
        """
        parts = [
            (found.pred_score, found.anomaly_map.flatten(1).amax(1))
            for found in self.stream(normals)
        ]
        scores, highest = (torch.cat(part).double().numpy() for part in zip(*parts, strict=True))
        calibration = Calibration.fit(scores, highest, level)
        return self.with_calibration(calibration.decoded_as(self.decoding))
