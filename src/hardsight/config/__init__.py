"""The configuration of a run, and the presets that come with it."""

from hardsight.config.classification import ClassifierConfig, DiffusionConfig, RAPConfig
from hardsight.config.config import CONFIGS, Config
from hardsight.config.data import DataConfig, LabelledConfig, load_data, load_labelled
from hardsight.config.detection import DetectorConfig
from hardsight.config.methods import load_preset
from hardsight.config.places import anchored
from hardsight.core.presets import ConfigError, preset_names

__all__ = [
    "CONFIGS",
    "ClassifierConfig",
    "Config",
    "ConfigError",
    "DataConfig",
    "DetectorConfig",
    "DiffusionConfig",
    "LabelledConfig",
    "RAPConfig",
    "anchored",
    "load_data",
    "load_labelled",
    "load_preset",
    "preset_names",
]
