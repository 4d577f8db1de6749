"""Detectors: deterministic, differentiable functions of (images, noise)."""

from hardsight.detectors.advrad import AdvRAD
from hardsight.detectors.agreement import (
    Agreement,
    GradientError,
    demand_gradient,
    gradient_agreement,
)
from hardsight.detectors.anomalib import anomalib_detector
from hardsight.detectors.base import Detector
from hardsight.detectors.bastion import Bastion
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.denoised import Denoised
from hardsight.detectors.errors import noisy_reference
from hardsight.detectors.exported import Exported
from hardsight.detectors.game import Game
from hardsight.detectors.head_task import HeadTraining
from hardsight.detectors.patchguard import PatchGuard
from hardsight.detectors.saved import SavedDetector
from hardsight.detectors.selection import Selection
from hardsight.detectors.smoothed import DESIGNS, Smoothed
from hardsight.detectors.tiled import Tiled
from hardsight.detectors.wrapped import Wrapped, as_detector

__all__ = [
    "DESIGNS",
    "AdvRAD",
    "Agreement",
    "Bastion",
    "Calibration",
    "Denoised",
    "Detector",
    "Exported",
    "Game",
    "GradientError",
    "HeadTraining",
    "PatchGuard",
    "SavedDetector",
    "Selection",
    "Smoothed",
    "Tiled",
    "Wrapped",
    "anomalib_detector",
    "as_detector",
    "demand_gradient",
    "gradient_agreement",
    "noisy_reference",
]
