"""The methods that a run can be of, by name, and the presets."""

from pathlib import Path

import yaml

from hardsight.config.classification import DIFFUSION, PlainConfig, RAPConfig
from hardsight.config.config import CONFIGS, Config
from hardsight.config.detection import detector_config
from hardsight.core.presets import preset_file
from hardsight.detectors.methods import METHODS

CONFIGS |= {name: detector_config(method) for name, method in METHODS.items()}
CONFIGS |= {"classifier": PlainConfig, "rap": RAPConfig, **DIFFUSION}


def load_preset(name: str) -> Config:
    """Return the preset called ``name``, or the configuration in a YAML file of that path.

    Raises:
        ConfigError: no such preset; the near names are suggested.
    """
    path = preset_file(name)
    if path == Path(name):
        return Config.read(path)
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Config.parse({"preset": name} | values, f"preset {name}")
