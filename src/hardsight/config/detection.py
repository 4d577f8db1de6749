"""The configurations of anomaly detectors' runs, one of each method."""

from inspect import signature
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, create_model

from hardsight.config.config import Config, arguments
from hardsight.config.data import DataConfig
from hardsight.detectors.method import FitConfig, Method
from hardsight.detectors.methods import METHODS

POSE = "pose"
"""The key below ``detector`` that is no argument of its constructor."""


class DetectorConfig(Config):
    """Configure a run of an anomaly detector; what every method has."""

    detector: BaseModel
    data: DataConfig = Field(default_factory=DataConfig)

    @property
    def detector_settings(self) -> dict[str, Any]:
        """The arguments of the detector's constructor, without the seed."""
        names = type(self.detector).model_fields
        return {name: getattr(self.detector, name) for name in names if name != POSE}

    @property
    def posed(self) -> bool:
        """Whether images are brought into one pose before the detector sees them."""
        return getattr(self.detector, POSE) is not None

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the detector's constructor, with the seed if it takes one."""
        taken = signature(METHODS[self.method].detector).parameters
        seed = {"seed": self.training.seed} if "seed" in taken else {}
        return self.detector_settings | seed

    @property
    def fit(self) -> FitConfig:
        """What the method's own fit is configured by."""
        model = METHODS[self.method].config
        return model(**{name: getattr(self, name) for name in model.model_fields})

    @property
    def trains(self) -> bool:
        """Whether the method trains a network."""
        return METHODS[self.method].config.trains

    @property
    def trained_already(self) -> bool:
        """Whether the fit starts from trained weights."""
        return self.fit.started_from is not None


def detector_config(method: Method) -> type[DetectorConfig]:
    """Return the configuration of a method's runs: its detector's arguments, its fit's fields."""
    # the seed is the training's; any detector may have a pose found in front of it, see ``Posed``
    taken: Any = arguments(method.detector, "seed")
    pose: Any = {POSE: (Literal["moments"] | None, None)}
    given: Any = create_model(taken.__name__, __base__=taken, **pose)

    def in_groups(values: Any) -> Any:
        return method.detector.grouped(values) if isinstance(values, dict) else values

    placed: Any = Annotated[given, BeforeValidator(in_groups)]
    own: Any = {name: (f.annotation, f) for name, f in method.config.model_fields.items()}
    return create_model(
        f"{method.detector.__name__}RunConfig",
        __base__=DetectorConfig,
        __doc__=f"Configure a run of {method.detector.__name__}.",
        preset=(str, method.preset),
        method=(Literal[method.name], method.name),  # type: ignore[arg-type]
        detector=(placed, Field(default_factory=given)),
        **own,
    )
