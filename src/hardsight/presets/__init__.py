"""Presets: one YAML file a method and setting, and the configuration they are made of."""

from hardsight.presets.config import (
    METHODS,
    Config,
    ConfigError,
    DataConfig,
    load_preset,
    preset_names,
)

__all__ = ["METHODS", "Config", "ConfigError", "DataConfig", "load_preset", "preset_names"]
