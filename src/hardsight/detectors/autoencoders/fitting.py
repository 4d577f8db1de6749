"""From normal images to a trained and calibrated autoencoder."""

import copy
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Generator, Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.data import AnomalyData
from hardsight.detectors.autoencoders.task import AutoencoderTask
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.fitted import Fitted, Work
from hardsight.detectors.method import FitConfig
from hardsight.detectors.saved import SavedDetector

D = TypeVar("D", bound=SavedDetector)

TrainingLoss = Callable[[D, Tensor, Generator], Tensor]
"""(detector, normal images (B, 3, H, W) in [0, 1], randomness) -> what is minimised, (B,)."""
Finish = Callable[[D, Tensor], None]
"""Sets what a trained detector takes from its training images (N, 3, H, W) uint8, in place."""


def fit_autoencoder(
    detector: D,
    data: AnomalyData,
    config: FitConfig,
    work: Work,
    loss: TrainingLoss[D],
    finish: Finish[D] = lambda detector, normals: None,
) -> Fitted[D]:
    """Train on ``data.train``, finish, and calibrate the threshold on ``data.validation``.

    What can be refused is refused before the training.

    Args:
        detector: left as it is.
        data: at the detector's ``image_size``.
        config: how.
        work: where.
        loss: see ``TrainingLoss``.
        finish: see ``Finish``.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
        ValueError: images of another size, or too few for the false-alarm rate.
    """
    found = copy.deepcopy(detector)
    normals, held = data.train.images(), data.validation.images()
    Calibration.check(len(held), config.false_alarms)
    found.prepare(normals[:1])
    policy = AugmentationPolicy.of(normals, config.augment)
    task = AutoencoderTask(found, normals, policy, partial(loss, found))
    with work.opened() as opened:
        opened.train(task, config.training)
    with torch.no_grad():
        finish(found, normals)
    found = found.calibrate(held, config.false_alarms)
    return Fitted(found, found.demand_calibration())
