"""The configuration of a run, and the presets that come with it."""

from hardsight.config.classification import ClassifierRun, DiffusionRun, RAPRun
from hardsight.config.config import Config, ConfigError
from hardsight.config.data import DataConfig, LabelledConfig, load_data, load_labelled
from hardsight.config.detection import DetectorRun
from hardsight.config.methods import CONFIGS, METHODS, load_preset, preset_names
from hardsight.config.started import origin, record_start

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
