"""From normal images to a trained, chosen and calibrated Bastion."""

from typing import Protocol, TypeVar

import torch

from hardsight.data import AnomalyData
from hardsight.detectors.advrad.context import TrainingContext
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.advrad.fitting import fit_advrad
from hardsight.detectors.advrad.map_head import MapHead
from hardsight.detectors.advrad.map_head_training import MapHeadTask, MapHeadTraining
from hardsight.detectors.advrad.recipe import BastionFit
from hardsight.detectors.fitted import Fitted, Work

REFERENCE = 64
"""Normal images, or a few more, that the head's reference is fitted to."""


class MappingDetector(ErrorDetector, Protocol):
    """An ErrorDetector with a map head."""

    head: MapHead


M = TypeVar("M", bound=MappingDetector)


def fit_bastion(detector: M, data: AnomalyData, config: BastionFit, work: Work) -> Fitted[M]:
    """Fit as an AdvRAD, and train the head before the threshold is calibrated.

    Args:
        detector, data, config, work: see ``fit_advrad``.

    Raises:
        KeyboardInterrupt, ValueError: see ``fit_advrad``.
    """

    def refine(found: M, context: TrainingContext) -> None:
        train_map_head(found, context, config.map_head_training)

    return fit_advrad(detector, data, config, work, refine)


def train_map_head(
    detector: MappingDetector, context: TrainingContext, training: MapHeadTraining
) -> None:
    """Train the head of a detector, in place, on its finished denoiser.

    Args:
        detector: its scoring is chosen.
        context: images and optimiser.
        training: how.
    """
    normals, k = context.images(detector, training.foreground), detector.scoring.k

    def task(eps: float) -> MapHeadTask:
        return MapHeadTask(detector.head, detector.denoiser, k, normals, training, eps)

    generator = torch.Generator().manual_seed(context.training.seed)
    detector.head.fit_reference(task(0).log_errors(REFERENCE, generator))
    stages = (
        ("map-head-warm-up", training.warm_up, 0.0),
        ("map-head", training.steps, training.eps),
    )
    for stage, steps, eps in stages:
        if steps:
            context.work.train(task(eps), training.settings(context.training, steps), stage)
    detector.head.eval()
