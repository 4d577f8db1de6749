"""From normal images to a discriminator trained as GLASS's."""

from torch import Tensor

from hardsight.data import AnomalyData
from hardsight.detectors.adversary import PGDAdversary
from hardsight.detectors.discriminative.contract import J, prepare_judge
from hardsight.detectors.discriminative.glass_task import GLASSTask, GlobalAnomalies
from hardsight.detectors.discriminative.normals import Normals
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.fitting import fit_calibrated
from hardsight.detectors.method import FitConfig
from hardsight.synthesis import Foreground, PerlinTextures


class GLASSFit(FitConfig):
    """Configure a fit of GLASS."""

    local_anomalies: PerlinTextures = PerlinTextures(opacity=(0.2, 0.8))
    """What is laid on images."""
    global_anomalies: GlobalAnomalies = GlobalAnomalies()
    """What is made of features."""
    foreground: Foreground = "all"
    """Where textures are laid: GLASS takes the object where there is one, "saliency"."""
    adversary: PGDAdversary | None = None
    """Train on attacked images; None: on clean ones, as GLASS itself."""


def fit_glass(detector: J, data: AnomalyData, config: GLASSFit, work: Work) -> Fitted[J]:
    """Train adaptor and discriminator on global and local anomalies, and calibrate the threshold.

    Only ``data.train`` and ``data.validation`` are used. See ``fit_calibrated`` and ``GLASSTask``.

    Raises:
        BackboneError: there are no such weights.
    """

    def train(found: J, images: Tensor, place: OpenWork) -> None:
        prepare_judge(found, images)
        normals = Normals.of(images, config.augment, config.foreground)
        task = GLASSTask(
            found, normals, config.local_anomalies, config.global_anomalies, config.adversary
        )
        place.train(task, config.training)

    return fit_calibrated(detector, data, config, work, train)
