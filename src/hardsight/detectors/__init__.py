"""Detectors: deterministic, differentiable functions of (images, noise)."""

from hardsight.detectors.advrad import AdvRAD
from hardsight.detectors.base import Detector
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.saved import SavedDetector
from hardsight.detectors.selection import Selection

__all__ = ["AdvRAD", "Calibration", "Detector", "SavedDetector", "Selection"]
