"""From normal images to a trained and calibrated DRAEM."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from pydantic import Field
from torch import Tensor

from hardsight.data import AnomalyData
from hardsight.detectors.adversary import PGDAdversary
from hardsight.detectors.discriminative.draem_network import DRAEMNetwork
from hardsight.detectors.discriminative.draem_task import DRAEMTask
from hardsight.detectors.discriminative.normals import Normals
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.fitting import Trainable, fit_calibrated
from hardsight.detectors.method import FitConfig
from hardsight.detectors.stages import attacked
from hardsight.synthesis import Foreground, PerlinTextures


class DRAEMFit(FitConfig):
    """Configure a fit of DRAEM."""

    anomalies: PerlinTextures = PerlinTextures()
    """What is laid on the normal images."""
    anomalous: float = Field(0.5, gt=0, le=1)
    """Share of a batch that is made anomalous, rounded to images, at least one."""
    foreground: Foreground = "all"
    """Where textures are laid; in the paper everywhere."""
    adversary: PGDAdversary | None = None
    """Train on images attacked on the focal loss; None: on clean ones, as DRAEM itself."""
    warm_up: int = Field(0, ge=0)
    """Steps on clean images before those with an adversary."""

    @property
    def stages(self) -> Mapping[str, float | None]:
        """The clean steps, then those under attack."""
        if self.adversary is None:
            return super().stages
        found: dict[str, float | None] = {"warm-up": self.warm_up} if self.warm_up else {}
        return found | {"train": attacked(self.training.steps, self.adversary.steps)}


class TwoNetworks(Trainable, Protocol):
    """A DRAEM, by what its fit needs of it."""

    network: DRAEMNetwork


D = TypeVar("D", bound=TwoNetworks)


def fit_draem(detector: D, data: AnomalyData, config: DRAEMFit, work: Work) -> Fitted[D]:
    """Train both networks together on synthetic anomalies, and calibrate the threshold.

    Only ``data.train`` and ``data.validation`` are used. See ``fit_calibrated`` and ``DRAEMTask``.
    """

    def train(found: D, images: Tensor, place: OpenWork) -> None:
        normals = Normals.of(images, config.augment, config.foreground)

        def task(adversary: PGDAdversary | None) -> DRAEMTask:
            return DRAEMTask(found.network, normals, config.anomalies, config.anomalous, adversary)

        if config.adversary and config.warm_up:
            clean = config.training.model_copy(update={"steps": config.warm_up})
            place.train(task(None), clean, "warm-up")
        place.train(task(config.adversary), config.training)

    return fit_calibrated(detector, data, config, work, train)
