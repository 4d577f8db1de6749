"""Detectors: deterministic, differentiable functions of (images, noise)."""

from hardsight.detectors.adapters.agreement import (
    Agreement,
    GradientError,
    demand_gradient,
    gradient_agreement,
)
from hardsight.detectors.adapters.anomalib import anomalib_detector
from hardsight.detectors.adapters.as_detector import as_detector
from hardsight.detectors.adapters.denoised import Denoised
from hardsight.detectors.adapters.smoothed import DESIGNS, Smoothed
from hardsight.detectors.adapters.tiled import Tiled
from hardsight.detectors.adapters.wrapped import Wrapped
from hardsight.detectors.advrad.adversarial import AdversarialTraining
from hardsight.detectors.advrad.bastion import Bastion
from hardsight.detectors.advrad.detector import AdvRAD
from hardsight.detectors.advrad.errors import noisy_reference
from hardsight.detectors.advrad.map_head_training import HeadTraining
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.base import Detector
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.patchguard.detector import PatchGuard
from hardsight.detectors.saved import SavedDetector

__all__ = [
    "DESIGNS",
    "AdvRAD",
    "AdversarialTraining",
    "Agreement",
    "Bastion",
    "Calibration",
    "Denoised",
    "Detector",
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
