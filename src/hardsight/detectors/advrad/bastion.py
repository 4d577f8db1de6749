"""Bastion: a score from the error, and a map from a head that was attacked in its training."""

from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.advrad.detector import AdvRAD
from hardsight.detectors.advrad.fitting import TrainingContext
from hardsight.detectors.advrad.map_head import MapHead
from hardsight.detectors.advrad.map_head_training import HeadTask, HeadTraining
from hardsight.detectors.advrad.scoring import Average, Reference, inner_mean_filter
from hardsight.detectors.advrad.selection import Selection
from hardsight.training import Settings

REFERENCE = 64
"""Normal images, or a few more, that the head's reference is fitted to."""


class Bastion(AdvRAD):
    """AdvRAD whose map is that of a head, trained against attacks on it.

    The score is AdvRAD's, of the error. The map are the logits of a small network that sees the
    image, its reconstruction and their error (``MapHead``), learned from attacked pseudo-anomalies
    (``HeadTraining``) once the scoring is chosen.

    Args:
        denoiser, image_size, k, draws, average, margin, filter_size, reference, aggregation,
        precision, tile, overlap, fixed_noise: see ``AdvRAD``.
        map_filter_size: side of a mean filter of the head's map, odd; 1: none.
        head: configuration of the head, the arguments of ``MapHead`` but ``size``.
        seed: of the initial weights.
    """

    paper = None

    def __init__(
        self,
        denoiser: dict[str, Any] | None = None,
        image_size: int = 256,
        k: int = 100,
        shots: int = 1,
        draws: int = 2,
        average: Average = "error",
        margin: float = 0.12,
        filter_size: int = 9,
        reference: Reference = "standardised",
        aggregation: str = "top:0.0015",
        map_filter_size: int = 1,
        precision: Choice = "auto",
        tile: int | None = None,
        overlap: float = 0.25,
        head: dict[str, Any] | None = None,
        fixed_noise: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(
            denoiser,
            image_size,
            k,
            shots,
            draws,
            average,
            margin,
            filter_size,
            reference,
            aggregation,
            map_filter_size,
            precision,
            tile,
            overlap,
            fixed_noise,
            seed,
        )
        with seeded(seed + 1):
            self.head = MapHead(image_size if tile is None else tile, **head or {})

    def detect(self, images: Tensor, r: Tensor) -> Detection:
        """Score as AdvRAD does, and map by the head, differentiably."""
        found = super().detect(images, r)
        with autocast(self.precision, images.device):
            logits = self.head.maps(images, r.mean(1), self.tiles)
        maps = inner_mean_filter(logits, self.map_filter_size)
        return found._replace(anomaly_map=maps)

    def score_only(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score as AdvRAD does, with its map of the error; the head is not asked."""
        return super().detect(images, self.reconstruct(images, noise))

    def fit(
        self,
        data: AnomalyData,
        training: Settings | None = None,
        selection: Selection | None = None,
        *,
        head_training: HeadTraining | None = None,
        start: str | Path | None = None,
        **options: Any,
    ) -> Self:
        """Fit as an AdvRAD, and train the head before the threshold is calibrated.

        Args:
            data, training, selection, start, options: see ``AdvRAD.fit``.
            head_training: how; None: the defaults.

        Raises:
            KeyboardInterrupt, ValueError: see ``AdvRAD.fit``.
        """
        self.head_training = head_training or HeadTraining()
        return super().fit(data, training, selection, start=start, **options)

    def refine(self, lesson: TrainingContext) -> None:
        """Train the head; a part of ``fit``."""
        how = self.head_training
        where = lesson.foreground(how.foreground)

        def task(eps: float) -> HeadTask:
            shared = self.head, self.denoiser, self.k
            return HeadTask(*shared, lesson.normals, where, how, eps, lesson.kinds, self.tile)

        generator = torch.Generator().manual_seed(lesson.training.seed)
        self.head.fit_reference(task(0).log_errors(REFERENCE, generator))
        stages = (("head-warm-up", how.warm_up, 0.0), ("head", how.steps, how.eps))
        for stage, steps, eps in stages:
            if steps:
                lesson.complete(task(eps), how.settings(lesson.training, steps), stage)
        self.head.eval()

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """Denoiser and head."""
        return self.denoiser, self.head
