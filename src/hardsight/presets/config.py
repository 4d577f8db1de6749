"""The configuration of a run: what a preset holds and what ``config.yaml`` records."""

import difflib
import inspect
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from hardsight.detectors import AdvRAD, Game, PatchGuard, Selection
from hardsight.detectors.patchguard import CheckpointChoice, Recipe
from hardsight.files import write_atomically
from hardsight.training import Settings
from hardsight.training.settings import FREE


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the key and the way out."""


_STRICT = ConfigDict(extra="forbid", frozen=True)


def _arguments(method: type) -> type[BaseModel]:
    """A model of a constructor's arguments but the seed, which is the training's."""
    found = inspect.signature(method).parameters
    fields: dict[str, Any] = {n: (p.annotation, p.default) for n, p in found.items() if n != "seed"}
    return create_model(f"{method.__name__}Config", __config__=_STRICT, **fields)


AdvRADConfig = _arguments(AdvRAD)
PatchGuardConfig = _arguments(PatchGuard)
METHODS: dict[str, type[AdvRAD] | type[PatchGuard]] = {"advrad": AdvRAD, "patchguard": PatchGuard}
"""Method name -> detector."""


class DataConfig(BaseModel):
    """Where the images come from; see ``hardsight.data`` for each layout's arguments."""

    model_config = _STRICT

    path: str | None = None
    """Folder of a data set in a known layout; relative to where the command ran."""
    category: str | None = None
    normal_dir: str | None = None
    abnormal_dir: str | None = None
    mask_dir: str | None = None
    validation_fraction: float = Field(0.2, gt=0, lt=1)
    """Share of the training normals held out for selection and calibration."""
    on_error: Literal["stop", "skip"] = "stop"
    """What an unreadable image does: stop the run, or be skipped and listed."""


class Config(BaseModel):
    """Everything that decides a run's result; what every method has."""

    model_config = _STRICT

    preset: str = "advrad"
    description: str = ""
    method: str
    detector: BaseModel
    training: Settings = Field(default_factory=Settings)
    selection: BaseModel | None = None
    augment: Literal["auto", "none"] = "auto"
    """Flips and turns of training images: those the normal images show themselves, or none."""
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

    @classmethod
    def parse(cls, values: Mapping[str, Any], source: str) -> "Config":
        """Validate a mapping as the method it names, "advrad" if it names none.

        Raises:
            ConfigError: an unknown key (the near one is suggested) or a value out of range.
        """
        method = values.get("method", "advrad")
        if method not in CONFIGS:
            near = difflib.get_close_matches(str(method), list(CONFIGS), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(CONFIGS)}"
            raise ConfigError(f"{source}: method={method!r} is not known; {hint}")
        kind = CONFIGS[method]
        try:
            return kind.model_validate(values)
        except ValidationError as error:
            raise ConfigError(
                f"{source}: " + "; ".join(_explain(e, kind) for e in error.errors())
            ) from None

    @classmethod
    def read(cls, path: Path) -> "Config":
        """Read a YAML file.

        Raises:
            ConfigError: not there, not YAML or not a valid configuration.
        """
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"{path} does not exist") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not readable YAML: {error}") from None
        if not isinstance(values, dict):
            raise ConfigError(f"{path} must hold keys and values, as the presets do")
        return cls.parse(values, str(path))

    def updated(self, changes: Mapping[str, Any]) -> "Config":
        """Return a copy with dotted keys changed, e.g. ``{"training.steps": 500}``; validated."""
        values = self.model_dump(mode="json")
        for dotted, value in changes.items():
            *parents, last = dotted.split(".")
            place = values
            for parent in parents:
                place[parent] = place.get(parent) or {}
                place = place[parent]
            place[last] = value
        return self.parse(values, "settings")

    def differences(self, other: "Config") -> list[str]:
        """Return the dotted keys in which ``other`` would make another run."""
        mine, theirs = _flat(self.model_dump(mode="json")), _flat(other.model_dump(mode="json"))
        keys = {k for k in mine | theirs if mine.get(k) != theirs.get(k)}
        return sorted(keys - {"description", "preset", *(f"training.{f}" for f in FREE)})

    def write(self, path: Path) -> None:
        """Write as YAML."""
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        write_atomically(path, text)


class AdvRADRun(Config):
    """A run of AdvRAD."""

    method: Literal["advrad"] = "advrad"
    detector: AdvRADConfig = Field(default_factory=AdvRADConfig)  # type: ignore[valid-type]
    selection: Selection | None = None
    """Choose k, filter, aggregation and reference on validation data; None keeps the detector's."""
    game: Game | None = None
    """Go on against attacks once the denoiser is trained; None: the plain training alone."""
    k_by_category: dict[str, int] = Field(default_factory=dict)
    """Category -> diffusion step, where a paper chose one for each (FreeRAD, Table 7)."""

    @property
    def fit_options(self) -> dict[str, Any]:
        """The game."""
        return {"game": self.game}

    def settings_for(self, category: str) -> dict[str, Any]:
        """As everywhere; with the category's own k."""
        found = super().settings_for(category)
        return found | {"k": self.k_by_category.get(category, found["k"])}


class PatchGuardRun(Config):
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


CONFIGS: dict[str, type[Config]] = {"advrad": AdvRADRun, "patchguard": PatchGuardRun}
"""Method name -> what a run of it is configured by."""


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one of dotted keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return found


def preset_names() -> list[str]:
    """Return the names of the presets that come with hardsight."""
    folder = files("hardsight.presets")
    return sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml"))


def load_preset(name: str) -> Config:
    """Return the preset called ``name``, or the configuration in a YAML file of that path.

    Raises:
        ConfigError: no such preset; the near names are suggested.
    """
    if name.endswith((".yaml", ".yml")):
        return Config.read(Path(name))
    known = preset_names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"preset={name!r} is not known; {hint}there are {', '.join(known)}, "
            "or give the path of a .yaml file"
        )
    text = (files("hardsight.presets") / f"{name}.yaml").read_text(encoding="utf-8")
    return Config.parse({"preset": name} | yaml.safe_load(text), f"preset {name}")


def _explain(error: Any, kind: type[Config]) -> str:
    """One validation error in words, with the nearest key for one that is unknown."""
    place = ".".join(str(p) for p in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{place}={error['input']!r}: {error['msg']}"
    key = str(error["loc"][-1])
    others = [m for m, c in CONFIGS.items() if c is not kind and key in c.model_fields]
    if len(error["loc"]) == 1 and others:
        mine = next(m for m, c in CONFIGS.items() if c is kind)
        return f"{key} is a setting of the method {' and '.join(others)}, not of {mine}"
    model: Any = kind
    for part in error["loc"][:-1]:
        annotation = model.model_fields[part].annotation
        model = next(
            (
                a
                for a in (annotation, *getattr(annotation, "__args__", ()))
                if hasattr(a, "model_fields")
            ),
            kind,
        )
    near = difflib.get_close_matches(key, list(model.model_fields), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(model.model_fields)}"
    return f"{place} is not a setting; {hint}"
