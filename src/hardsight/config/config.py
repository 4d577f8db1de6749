"""The configuration of a run: what a preset holds and what ``config.yaml`` records."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from hardsight.config.renamed import RENAMED, translated
from hardsight.core.files import write_atomically
from hardsight.core.near import near_names
from hardsight.core.presets import ConfigError
from hardsight.core.suggestions import choices, suggestion
from hardsight.training import Settings
from hardsight.training.settings import FREE

SHOWN = 4
"""Methods that a message names."""
QUOTED = re.compile(r"'([^']*)'")
"""A name among those that a validation error lists."""
STRICT = ConfigDict(extra="forbid", frozen=True)


def arguments(method: type, *without: str) -> type[BaseModel]:
    """Return a model of a constructor's arguments, but for some."""
    found = inspect.signature(method).parameters
    fields: dict[str, Any] = {
        name: (p.annotation, ... if p.default is p.empty else p.default)
        for name, p in found.items()
        if name not in without
    }
    return create_model(f"{method.__name__}Config", __config__=STRICT, **fields)


class Config(BaseModel):
    """Hold everything that decides a run's result; what every method has."""

    model_config = STRICT

    preset: str = "advrad"
    description: str = ""
    method: str
    training: Settings = Field(default_factory=Settings)
    """How the method's own network is trained."""

    @model_validator(mode="after")
    def _training_is_needed_or_not(self) -> "Config":
        for name, fewest in (("steps", 0), ("devices", 1)):
            value = getattr(self.training, name)
            if not self.trains and value > fewest:
                raise ValueError(
                    f"training.{name}={value}, but method {self.method} trains no network; leave "
                    "them out"
                )
        if self.trains and not self.training.steps and not self.trained_already:
            raise ValueError(
                "training.steps=0 leaves the network untrained; take more, or (advrad) name a run "
                "whose denoiser is to be kept with start"
            )
        return self

    @property
    def trains(self) -> bool:
        """Whether the method trains a network."""
        return True

    @property
    def trained_already(self) -> bool:
        """Whether the network has trained weights to start with."""
        return False

    @property
    def detector_settings(self) -> dict[str, Any]:
        """The arguments of the detector's constructor; none where there is no detector."""
        return {}

    @classmethod
    def parse(cls, values: Mapping[str, Any], source: str) -> "Config":
        """Validate a mapping as the method it names, "advrad" if it names none.

        Raises:
            ConfigError: an unknown key (the near one is suggested) or a value out of range.
        """
        method = values.get("method", "advrad")
        if not isinstance(method, str) or method not in CONFIGS:
            hint = suggestion(str(method), CONFIGS) or f"there are {', '.join(CONFIGS)}"
            raise ConfigError(f"{source}: method={method!r} is not known; {hint}")
        config = CONFIGS[method]
        try:
            return config.model_validate(values)
        except ValidationError as error:
            said = "; ".join(_explain(e, config, CONFIGS) for e in error.errors())
            raise ConfigError(f"{source}: {said}") from None

    @classmethod
    def read(cls, path: Path) -> "Config":
        """Read a YAML file.

        Raises:
            ConfigError: not there, not YAML or not a valid configuration.
        """
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"{path} does not exist{near_names(path)}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not readable YAML: {error}") from None
        if not isinstance(values, dict):
            raise ConfigError(f"{path} must hold keys and values, as the presets do")
        return cls.parse(translated(values), str(path))

    def updated(self, changes: Mapping[str, Any]) -> "Config":
        """Return a copy with dotted keys changed, e.g. ``{"training.steps": 500}``; validated."""
        values = self.model_dump(mode="json")
        for dotted, value in changes.items():
            *parents, last = dotted.split(".")
            place: Any = values
            for parent in parents:
                place[parent] = place.get(parent) or {}
                place = place[parent]
                if not isinstance(place, dict):
                    raise ConfigError(f"settings: {dotted} is none, for {parent}={place!r}")
            place[last] = value
        return self.parse(values, "settings")

    def differences(self, other: "Config") -> dict[str, tuple[Any, Any]]:
        """Return the dotted keys in which ``other`` would make another run: (mine, the other's)."""
        mine, theirs = flat(self.model_dump(mode="json")), flat(other.model_dump(mode="json"))
        free = {f"{place}training.{f}" for f in FREE for place in ("", "classifier.")}
        return {
            key: (mine.get(key), theirs.get(key))
            for key in sorted((mine | theirs).keys() - {"description", "preset"} - free)
            if mine.get(key) != theirs.get(key)
        }

    def write(self, path: Path) -> None:
        """Write as YAML."""
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        write_atomically(path, text)


CONFIGS: dict[str, type[Config]] = {}
"""Method name -> what a run of it is configured by; ``hardsight.config.methods`` enters them."""


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one of dotted keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= (
            flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return found


def _explain(error: Any, config: type[Config], known: Mapping[str, type[Config]]) -> str:
    """Say one validation error in words, with the nearest key or value for one that is unknown."""
    place = ".".join(str(p) for p in error["loc"])
    if not place:  # of several settings together
        return str(error["msg"]).removeprefix("Value error, ")
    if error["type"] not in ("extra_forbidden", "unexpected_keyword_argument"):
        value = "" if isinstance(error["input"], dict) else f"={error['input']!r}"
        if error["type"] == "literal_error":
            names = QUOTED.findall(error["ctx"]["expected"])
            return f"{place}{value} is not known; {choices(str(error['input']), names)}"
        return f"{place}{value}: {str(error['msg']).removeprefix('Value error, ')}"
    key = str(error["loc"][-1])
    if place in RENAMED:
        return f"{place} is called {RENAMED[place]} now"
    others = [m for m, c in known.items() if c is not config and key in c.model_fields]
    if len(error["loc"]) == 1 and others:
        mine = next(m for m, c in known.items() if c is config)
        return f"{key} is a setting of {_listed(others)}, not of {mine}"
    group: Any = config
    for part in error["loc"][:-1]:
        group = _group(_settings(group)[part]) or config
    names = list(_settings(group))
    flat = [n for annotation in _settings(group).values() for n in _settings(_group(annotation))]
    hint = suggestion(key, [*names, *flat]) or f"known are {', '.join(names)}"
    return f"{place} is not a setting; {hint}"


def _listed(methods: list[str]) -> str:
    """Return methods in words, of many the first few."""
    *some, last = methods
    if not some:
        return f"the method {last}"
    if len(methods) > SHOWN:
        return f"the methods {', '.join(methods[:SHOWN])} and {len(methods) - SHOWN} others"
    return f"the methods {', '.join(some)} and {last}"


def _group(annotation: Any) -> Any:
    """Return the settings that an annotation, or one of its alternatives, holds; None: none."""
    choices = (annotation, *getattr(annotation, "__args__", ()))
    return next((a for a in choices if hasattr(a, "model_fields") or is_dataclass(a)), None)


def _settings(group: Any) -> dict[str, Any]:
    """Return name -> annotation of a group's settings."""
    if is_dataclass(group):
        return {field.name: field.type for field in fields(group)}
    return {name: field.annotation for name, field in getattr(group, "model_fields", {}).items()}
