"""From normal images to a trained and calibrated detector with a flow."""

import copy

from hardsight.augment import AugmentationPolicy
from hardsight.data import AnomalyData
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.fitted import Fitted, Work, demand_normals
from hardsight.detectors.flows.contract import F
from hardsight.detectors.flows.task import FlowTask, feature_batches
from hardsight.detectors.method import FitConfig


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
        ValueError: images of another size, or too few of them.
    """
    found = copy.deepcopy(detector)
    normals = demand_normals(data.train.images(), data)
    held_out = data.validation.images()
    Calibration.check(len(held_out), config.false_alarms)
    found.prepare(normals[:1])
    found.backbone = found.backbone.pretrained()
    policy = AugmentationPolicy.of(normals, config.augment)
    found.density.start(next(feature_batches(found.backbone, normals, found.device)))
    with work.opened() as opened:
        opened.train(FlowTask(found.density, found.backbone, normals, policy), config.training)
    found.density.compare_with(feature_batches(found.backbone, normals, found.device))
    found.eval()
    found = found.calibrate(held_out, config.false_alarms)
    return Fitted(found, found.demand_calibration())
