"""The record that registers a method: its detector, and what a fit of it is configured by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hardsight.augment import Augment
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Fitted, Work
from hardsight.detectors.saved import SavedDetector
from hardsight.metrics import check_rate
from hardsight.training import Settings


class FitConfig(BaseModel):
    """Configure a fit: what a method asks for beside the detector and the images.

    Each field is a key of a preset. A method without settings of its own takes this class as it is;
    others derive one from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    trains: ClassVar[bool] = True
    """Whether a network is trained; if not, of ``training`` the seed alone counts."""
    training: Settings = Field(default_factory=Settings)
    """How the method's own network is trained."""
    selection: BaseModel | None = None
    """What is chosen on validation data, and among what; None: nothing."""
    augment: Augment = "auto"
    """How training images are changed, see ``hardsight.augment.AugmentationPolicy.of``."""
    false_alarms: Annotated[float, AfterValidator(check_rate)] | None = None
    """False-alarm rate of the threshold; None: 1 %, or the lowest the held-out normals support."""

    @property
    def started_from(self) -> str | None:
        """Folder of the saved detector whose networks the training starts from; None: of none."""
        return None

    @property
    def splits_validation(self) -> bool:
        """Whether every other held-out normal calibrates nothing, see ``shares``.

        Something else is chosen or measured by it.
        """
        return self.selection is not None

    @property
    def stages(self) -> Mapping[str, float | None]:
        """The stages of the fit in order -> their costs beside each other, see ``announce``.

        Here the training alone. Empty: nothing is known of them, and each tells of itself.
        """
        return {"train": self.training.steps} if self.training.steps else {}

    def stages_on(self, detector: Any, data: AnomalyData) -> Mapping[str, float | None]:
        """Return ``stages`` with those whose cost is known of a detector and its images alone.

        Args:
            detector: that is fitted.
            data: to what.
        """
        return self.stages


Fit = Callable[[Any, AnomalyData, Any, Work], Fitted[Any]]
"""(detector, data, configuration, work) -> the detector fitted; the first is left as it was."""


class Seconds(NamedTuple):
    """What a method takes on two cores in float32 with AVX2; None: not known.

    With its preset and the 209 training images of MVTec's ``bottle``, as measured, or by the time
    of a training step beside that of ``core.speed``. ``hardsight methods`` scales it by
    ``core.speed.slowness``.
    """

    fit: float | None = None
    image: float | None = None
    """To score one, in a batch of 4."""


UNMEASURED = Seconds()


@dataclass(frozen=True)
class Method:
    """Register a detector under a name: presets, runs and the command line read the record.

    The capabilities of a method are attributes of its detector, see ``Detector``.
    """

    name: str
    """What presets and runs call the method."""
    detector: type[SavedDetector]
    """Its constructor's arguments are the keys below ``detector`` in a preset; ``seed``, if it is
    one of them, is that of the training."""
    summary: str
    """One line for ``hardsight methods``."""
    preset: str
    """The preset that shows its defaults."""
    fit: Fit
    """What ``Detector.fit`` and runs call."""
    config: type[FitConfig] = FitConfig
    """What its fit is configured by."""
    strength: str = ""
    """What it is good at, in one line, e.g. "strongest when nobody attacks"."""
    seconds: Seconds = UNMEASURED
    """What it takes."""
