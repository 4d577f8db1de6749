"""The run folder: everything a fitted detector or classifier is, and all that made it."""

from hardsight.core.run_folders import CONFIG, EXPORTED, RunError
from hardsight.runs.beginnings import is_begun, without_beginnings
from hardsight.runs.beside import beside
from hardsight.runs.calibrating import Recalibration, recalibrate
from hardsight.runs.classifier import ClassifierRun
from hardsight.runs.detector import SELECTION, DetectorRun
from hardsight.runs.drift import SCORE, drift_references
from hardsight.runs.folder import MANIFEST, RunFolder
from hardsight.runs.opening import (
    open_classifier_run,
    open_detector_run,
    open_run,
    start_run,
)
from hardsight.runs.started import origin
from hardsight.runs.statistics import STATISTICS_FILE

__all__ = [
    "CONFIG",
    "EXPORTED",
    "MANIFEST",
    "SCORE",
    "SELECTION",
    "STATISTICS_FILE",
    "ClassifierRun",
    "DetectorRun",
    "Recalibration",
    "RunError",
    "RunFolder",
    "beside",
    "drift_references",
    "is_begun",
    "open_classifier_run",
    "open_detector_run",
    "open_run",
    "origin",
    "recalibrate",
    "start_run",
    "without_beginnings",
]
