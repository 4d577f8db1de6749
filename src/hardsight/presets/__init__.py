"""Presets: one YAML file a method and setting, and the configuration they are made of."""

from hardsight.presets.classification import ClassifierRun, DiffusionRun, RAPRun
from hardsight.presets.config import Config, ConfigError
from hardsight.presets.data import DataConfig, LabelledConfig, load_data, load_labelled
from hardsight.presets.detection import DetectorRun
from hardsight.presets.methods import CONFIGS, METHODS, load_preset, preset_names
from hardsight.presets.started import origin, record_start

__all__ = [
    "CONFIGS",
    "METHODS",
    "ClassifierRun",
    "Config",
    "ConfigError",
    "DataConfig",
    "DetectorRun",
    "DiffusionRun",
    "LabelledConfig",
    "RAPRun",
    "load_data",
    "load_labelled",
    "load_preset",
    "origin",
    "preset_names",
    "record_start",
]
