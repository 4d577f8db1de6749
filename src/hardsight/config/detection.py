"""The configurations of anomaly detectors' runs."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from hardsight.augment import Augment
from hardsight.config.config import Config, arguments
from hardsight.config.data import DataConfig
from hardsight.detectors import (
    AdversarialTraining,
    AdvRAD,
    Bastion,
    HeadTraining,
    PatchGuard,
    Selection,
)
from hardsight.detectors.patchguard import CheckpointChoice, Recipe

AdvRADConfig = arguments(AdvRAD, "seed")  # the seed is the training's
BastionConfig = arguments(Bastion, "seed")
PatchGuardConfig = arguments(PatchGuard, "seed")


class DetectorRun(Config):
    """A run of an anomaly detector; what every method has."""

    detector: BaseModel
    selection: BaseModel | None = None
    augment: Augment = "auto"
    """How training images are changed, see ``hardsight.augment.AugmentationPolicy.of``."""
    false_alarms: float | None = Field(None, gt=0, lt=1)
    """False-alarm rate of the threshold; None: 1 %, or the lowest the held-out normals support."""
    data: DataConfig = Field(default_factory=DataConfig)

    @property
    def detector_settings(self) -> dict[str, Any]:
        """The arguments of the detector's constructor."""
        return BaseModel.model_dump(self.detector)

    def settings_for(self, category: str) -> dict[str, Any]:
        """Return the arguments of the detector's constructor, the seed too, for a category."""
        return self.detector_settings | {"seed": self.training.seed}

    @property
    def fit_options(self) -> dict[str, Any]:
        """The keyword arguments of the detector's ``fit`` that its method alone has."""
        return {}


class AdvRADRun(DetectorRun):
    """A run of AdvRAD."""

    method: Literal["advrad"] = "advrad"
    detector: AdvRADConfig = Field(default_factory=AdvRADConfig)  # type: ignore[valid-type]
    selection: Selection | None = None
    """Choose k, filter, aggregation and reference on validation data; None keeps the detector's."""
    game: AdversarialTraining | None = None
    """Go on against attacks once the denoiser is trained; None: the plain training alone."""
    start: str | None = None
    """Run folder of the same method whose denoiser the training starts from; with training.steps=0
    it is kept as it is. None: from first weights."""
    k_by_category: dict[str, int] = Field(default_factory=dict)
    """Category -> diffusion step, where a paper chose one for each (FreeRAD, Table 7)."""

    @property
    def fit_options(self) -> dict[str, Any]:
        """The game and the start."""
        return {"game": self.game, "start": self.start}

    @property
    def trained_already(self) -> bool:
        """Where there is a start."""
        return self.start is not None

    def settings_for(self, category: str) -> dict[str, Any]:
        """As everywhere; with the category's own k."""
        found = super().settings_for(category)
        return found | {"k": self.k_by_category.get(category, found["k"])}


class BastionRun(AdvRADRun):
    """A run of Bastion."""

    preset: str = "hardsight"
    method: Literal["bastion"] = "bastion"  # type: ignore[assignment]
    detector: BastionConfig = Field(default_factory=BastionConfig)  # type: ignore[valid-type]
    head_training: HeadTraining = Field(default_factory=HeadTraining)
    """How the head is trained."""

    @property
    def fit_options(self) -> dict[str, Any]:
        """The game, the start and the head's training."""
        return super().fit_options | {"head_training": self.head_training}


class PatchGuardRun(DetectorRun):
    """A run of PatchGuard."""

    preset: str = "patchguard"
    method: Literal["patchguard"] = "patchguard"
    detector: PatchGuardConfig = Field(default_factory=PatchGuardConfig)  # type: ignore[valid-type]
    selection: CheckpointChoice | None = None
    """Choose among the last checkpoints on validation data; None keeps the last, averaged."""
    augment: Literal["auto", "none"] = "none"
    """Flips and turns of training images: those the normal images show themselves, or none."""
    recipe: Recipe = Field(default_factory=Recipe)
    """Adversary, regulariser and pseudo-anomalies of the training."""

    @property
    def fit_options(self) -> dict[str, Any]:
        """The recipe."""
        return {"recipe": self.recipe}
