"""Students of pretrained teachers: what they have not learnt from normal images is anomalous."""

from hardsight.detectors.distillation.dinomaly import Dinomaly
from hardsight.detectors.distillation.distances import (
    DistanceScoring,
    FeatureDistance,
    cosine_distance,
)
from hardsight.detectors.distillation.efficient_ad import EfficientAD
from hardsight.detectors.distillation.recontrast import ReContrast
from hardsight.detectors.distillation.reverse import ReverseDistillation
from hardsight.detectors.distillation.stfpm import STFPM

__all__ = [
    "STFPM",
    "Dinomaly",
    "DistanceScoring",
    "EfficientAD",
    "FeatureDistance",
    "ReContrast",
    "ReverseDistillation",
    "cosine_distance",
]
