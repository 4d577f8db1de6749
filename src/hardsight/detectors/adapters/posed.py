"""A detector of objects in any pose: each image is brought into one pose first."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor

from hardsight.core.batches import at_once
from hardsight.core.types import Detection
from hardsight.data import AnomalyData, ImageSet
from hardsight.detectors.adapters.around import Around
from hardsight.detectors.base import Detector
from hardsight.detectors.pose import Pose, brought, pose_of, returned

SHARPNESS = 5.0
"""Sharpness of the weights of hypotheses in surrogates, in standard deviations of their scores."""


class Posed(Around):
    """Bring each image into one pose by moments, and let a detector of that pose score it.

    Of an object that looks much the same turned by half, the direction of the long axis is
    uncertain: ``hypotheses`` turns of the found pose are scored, and the lowest score counts. The
    map is that of the same hypothesis, turned back. The gradient is that of the whole path, the
    estimate of the pose included. ``score_only`` returns the hypotheses' maps, each weighted by how
    low its score is, so that attacks have surrogates of all.

    Args:
        detector: of images in one pose, see ``posed_data``.
        hypotheses: evenly spaced turns, 2 for objects with a long axis.

    Raises:
        ValueError: images that are not square, or no hypothesis.
    """

    tileable = False

    def __init__(self, detector: Detector, hypotheses: int = 2) -> None:
        super().__init__(detector)
        if hypotheses < 1:
            raise ValueError(f"hypotheses must be at least 1, got {hypotheses}")
        if self.size[0] != self.size[1]:
            raise ValueError(f"images must be square to be turned, got {self.size}")
        self.hypotheses = hypotheses
        self.calibration = detector.calibration

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the detector, with the pose's."""
        return super().settings | {"pose": "moments", "hypotheses": self.hypotheses}

    def sample_noise(self, images: Tensor, generator: Generator | None = None) -> Tensor | None:
        """Draw the detector's noise; all hypotheses see the same."""
        return self.detector.sample_noise(images, generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score (B, 3, H, H) by the hypothesis of the lowest score."""
        poses = self._poses(images)
        scores, maps = self._judged(self.detector, images, noise, poses)
        best, rows = scores.argmin(1), torch.arange(len(images), device=images.device)
        turned = Pose(poses[0].centre, torch.stack([p.angle for p in poses], dim=1)[rows, best])
        return Detection(scores.amin(1), returned(maps[rows, best], turned))

    def score_only(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Return the score, and the maps of all hypotheses, weighted, in the pose they share."""
        judge = self.detector.score_only
        scores, maps = self._judged(judge, images, noise, self._poses(images))
        spread = scores.detach().std(1, correction=0, keepdim=True).clamp_min(1e-12)
        weights = torch.softmax(-scores * SHARPNESS / spread, dim=1)
        mixed = (weights[:, :, None, None, None] * maps).sum(1)
        return Detection(scores.amin(1), mixed)

    def _poses(self, images: Tensor) -> list[Pose]:
        """Return the hypotheses."""
        found = pose_of(images)
        turns = (2 * math.pi * i / self.hypotheses for i in range(self.hypotheses))
        return [Pose(found.centre, found.angle + turn) for turn in turns]

    def _judged(
        self,
        judge: Callable[..., Detection],
        images: Tensor,
        noise: Tensor | None,
        poses: list[Pose],
    ) -> tuple[Tensor, Tensor]:
        """Return scores (B, K) and maps (B, K, 1, H, W) of images in each of K poses."""
        shown = torch.cat([brought(images, pose) for pose in poses])
        if noise is None:
            noise = self.sample_noise(images)
        own = None if noise is None else noise.repeat(len(poses), *[1] * (noise.ndim - 1))
        found = judge(shown, own)
        scores, maps = (
            torch.unflatten(part, 0, (len(poses), len(images))).transpose(0, 1)
            for part in (found.pred_score, found.anomaly_map)
        )
        return scores, maps


@torch.no_grad()
def posed_data(data: AnomalyData) -> AnomalyData:
    """Return a data set whose training and validation images are in one pose, for a fit."""
    return replace(
        data,
        train=_posed(data.train),
        validation=_posed(data.validation),
        categories=tuple(posed_data(one) for one in data.categories),
    )


def _posed(images: ImageSet) -> ImageSet:
    pixels = images.images()
    shown = [
        brought(x, pose_of(x)) * 255
        for x in (batch.float() / 255 for batch in torch.split(pixels, at_once(pixels.shape, 32)))
    ]
    return images.with_images(torch.cat(shown).round().to(torch.uint8)) if shown else images
