"""From normal images to a discriminator trained as SimpleNet's."""

from pydantic import Field
from torch import Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.data import AnomalyData
from hardsight.detectors.discriminative.contract import J, prepare_judge
from hardsight.detectors.discriminative.simplenet_task import (
    FeatureAdversary,
    FeatureNoise,
    SimpleNetTask,
)
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.fitting import fit_calibrated
from hardsight.detectors.method import FitConfig


class SimpleNetFit(FitConfig):
    """Configure a fit of SimpleNet."""

    noise: FeatureNoise = FeatureNoise()
    """What makes features anomalous."""
    margin: float = Field(0.5, gt=0)
    """Logit beyond which a patch that is judged rightly has no loss."""
    adversary: FeatureAdversary | None = None
    """Train the discriminator on features under attack; None: on clean ones, as SimpleNet."""


def fit_simplenet(detector: J, data: AnomalyData, config: SimpleNetFit, work: Work) -> Fitted[J]:
    """Train adaptor and discriminator on noisy features, and calibrate the threshold.

    Only ``data.train`` and ``data.validation`` are used. See ``fit_calibrated`` and
    ``SimpleNetTask``.

    Raises:
        BackboneError: there are no such weights.
    """

    def train(found: J, images: Tensor, place: OpenWork) -> None:
        prepare_judge(found, images)
        policy = AugmentationPolicy.of(images, config.augment)
        task = SimpleNetTask(found, images, policy, config.noise, config.margin, config.adversary)
        place.train(task, config.training)

    return fit_calibrated(detector, data, config, work, train)
