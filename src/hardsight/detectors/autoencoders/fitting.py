"""From normal images to a trained and calibrated autoencoder."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import Generator, Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.data import AnomalyData
from hardsight.detectors.autoencoders.task import AutoencoderTask
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.fitting import fit_calibrated
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

    def train(found: D, normals: Tensor, opened: OpenWork) -> None:
        policy = AugmentationPolicy.of(normals, config.augment)
        opened.train(AutoencoderTask(found, normals, policy, partial(loss, found)), config.training)
        with torch.no_grad():
            finish(found, normals)

    return fit_calibrated(detector, data, config, work, train)
