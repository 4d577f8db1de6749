"""The run folder: everything a fitted detector or classifier is, and all that made it."""

from hardsight.runs.beginnings import is_begun, without_beginnings
from hardsight.runs.beside import beside
from hardsight.runs.calibrating import Recalibration, recalibrate
from hardsight.runs.classifier import ClassifierRun
from hardsight.runs.detector import SELECTION, DetectorRun
from hardsight.runs.drift import SCORE, drift_references
from hardsight.runs.folder import CONFIG, EXPORTED, MANIFEST, RunError, RunFolder
from hardsight.runs.opening import (
    is_run,
    open_classifier_run,
    open_detector_run,
    open_run,
    start_run,
)
from hardsight.runs.started import origin

__all__ = [
    "CONFIG",
    "EXPORTED",
    "MANIFEST",
    "SCORE",
    "SELECTION",
    "ClassifierRun",
    "DetectorRun",
    "Recalibration",
    "RunError",
    "RunFolder",
    "beside",
    "drift_references",
    "is_begun",
    "is_run",
    "open_classifier_run",
    "open_detector_run",
    "open_run",
    "origin",
    "recalibrate",
    "start_run",
    "without_beginnings",
]
