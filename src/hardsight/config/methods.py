"""The methods that a run can be of, by name, and the presets."""

from importlib.resources import files
from pathlib import Path

import yaml

from hardsight.config.classification import DIFFUSION, PlainConfig, RAPConfig
from hardsight.config.config import CONFIGS, Config, ConfigError
from hardsight.config.detection import detector_config
from hardsight.core.suggestions import choices
from hardsight.detectors.methods import METHODS

CONFIGS |= {name: detector_config(method) for name, method in METHODS.items()}
CONFIGS |= {"classifier": PlainConfig, "rap": RAPConfig, **DIFFUSION}


def preset_names() -> list[str]:
    """Return the names of the presets that come with hardsight."""
    folder = files("hardsight.config") / "presets"
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
        raise ConfigError(
            f"preset={name!r} is not known; give the path of a .yaml file, or "
            f"{choices(name, known)}"
        )
    text = (files("hardsight.config") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    return Config.parse({"preset": name} | yaml.safe_load(text), f"preset {name}")
