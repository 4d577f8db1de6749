"""From normal images to a trained and calibrated detector with a flow."""

from typing import TypeVar

from torch import Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.fitting import fit_calibrated
from hardsight.detectors.flows.detector import FlowDetector
from hardsight.detectors.flows.task import FlowTask, feature_batches
from hardsight.detectors.method import FitConfig

F = TypeVar("F", bound=FlowDetector)


def fit_flow(detector: F, data: AnomalyData, config: FitConfig, work: Work) -> Fitted[F]:
    """Load the backbone, train the flow on ``data.train``, calibrate on ``data.validation``.

    What can be refused is refused before the training.

    Args:
        detector: left as it is.
        data: at the detector's ``image_size``.
        config: how.
        work: where.

    Raises:
        BackboneError: there are no such weights.
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
        ValueError: see ``fit_calibrated``.
    """

    def train(found: F, normals: Tensor, opened: OpenWork) -> None:
        found.backbone = found.backbone.pretrained()
        policy = AugmentationPolicy.of(normals, config.augment)
        found.density.start(next(feature_batches(found.backbone, normals, found.device)))
        opened.train(FlowTask(found.density, found.backbone, normals, policy), config.training)
        found.density.compare_with(feature_batches(found.backbone, normals, found.device))

    return fit_calibrated(detector, data, config, work, train)
