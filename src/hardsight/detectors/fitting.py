"""Fits around the training of a detector: what is refused before, and the threshold after."""

import copy
from collections.abc import Callable
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor

from hardsight.data import AnomalyData
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.fit_report import Report
from hardsight.detectors.fitted import Fitted, OpenWork, Work, demand_normals
from hardsight.detectors.inputs import Images
from hardsight.detectors.method import FitConfig


class Calibratable(Protocol):
    """What gets a threshold, see ``Detector``."""

    def calibrate(self, normals: Images, level: float | None = None) -> Self:
        """Return this detector with a threshold from held-out normal images."""

    def demand_calibration(self) -> Calibration:
        """Return the threshold."""

    def with_calibration(self, calibration: Calibration | None) -> Self:
        """Return this detector with another threshold."""


class Trainable(Calibratable, Protocol):
    """What a fit needs of a detector, see ``Detector``."""

    def prepare(self, images: Tensor) -> Tensor:
        """Return stored images as the detector takes them."""

    def eval(self) -> Any:
        """Put all networks in eval mode."""

    def to(self, device: torch.device) -> Any:
        """Move all parts to a device, in place."""


C = TypeVar("C", bound=Calibratable)
T = TypeVar("T", bound=Trainable)


def calibrated(
    detector: C,
    normals: Tensor,
    data: AnomalyData,
    config: FitConfig,
    report: Report | None = None,
) -> Fitted[C]:
    """Calibrate a trained detector: what every fit ends with.

    Args:
        detector: in eval mode.
        normals: (N, 3, H, W) held-out normal images.
        data: as whose images those to come are decoded.
        config: of the fit.
        report: what was chosen; None: nothing was.

    Raises:
        ValueError: too few images for the false-alarm rate.
    """
    found = detector.calibrate(normals, config.false_alarms)
    calibration = found.demand_calibration().decoded_as(data.train.decoding)
    return Fitted(found.with_calibration(calibration), calibration, report)


def fit_calibrated(
    detector: T,
    data: AnomalyData,
    config: FitConfig,
    work: Work,
    train: Callable[[T, Tensor, OpenWork], None],
) -> Fitted[T]:
    """Train a copy of a detector on ``data.train``, and calibrate it on ``data.validation``.

    What can be refused is refused before the training.

    Args:
        detector: left as it is.
        data: at the detector's size.
        config: how.
        work: where.
        train: trains a detector in place, on (N, 3, H, W) uint8 normal images.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
        ValueError: images of another size, a single one, or too few for the false-alarm rate.
    """
    found, held_out = copy.deepcopy(detector), data.validation.images()
    normals = demand_normals(data.train.images(), data)
    found.prepare(normals[:1])
    Calibration.check(len(held_out), config.false_alarms)
    with work.opened() as opened:
        train(found, normals, opened)
    found.eval()
    return calibrated(found, held_out, data, config)
