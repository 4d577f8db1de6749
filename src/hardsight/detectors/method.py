"""The record that registers a method: its detector, and what a fit of it is configured by."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from hardsight.augment import Augment
from hardsight.detectors.saved import SavedDetector


class FitConfig(BaseModel):
    """Configure a fit: what a method asks for beside the detector's arguments and its training.

    Each field is a key of a preset, and a keyword argument of the detector's ``fit``. A method
    without settings of its own takes this class as it is; others derive one from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    selection: BaseModel | None = None
    """What is chosen on validation data, and among what; None: nothing."""
    augment: Augment = "auto"
    """How training images are changed, see ``hardsight.augment.AugmentationPolicy.of``."""

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of the detector's ``fit``."""
        return {name: getattr(self, name) for name in type(self).model_fields}

    @property
    def needs_steps(self) -> bool:
        """Whether a fit of 0 training steps would leave the network with its first weights."""
        return True

    def arguments_for(self, category: str) -> dict[str, Any]:
        """Return the detector's arguments that differ for one category; most methods: none."""
        return {}


@dataclass(frozen=True)
class Method:
    """Register a detector under a name: presets, runs and the command line read the record.

    The capabilities of a method are attributes of its detector, see ``Detector``.
    """

    name: str
    """What presets and runs call the method."""
    detector: type[SavedDetector]
    """Its constructor's arguments are the keys below ``detector`` in a preset."""
    summary: str
    """One line for ``hardsight methods``."""
    preset: str
    """The preset that shows its defaults."""
    config: type[FitConfig] = FitConfig
    """What its fit is configured by."""
