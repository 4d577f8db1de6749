"""Students of pretrained teachers: what they have not learnt from normal images is anomalous."""

from hardsight.detectors.distillation.distances import (
    DistanceScoring,
    FeatureDistance,
    cosine_distance,
)
from hardsight.detectors.distillation.reverse import ReverseDistillation
from hardsight.detectors.distillation.stfpm import STFPM

__all__ = [
    "STFPM",
    "DistanceScoring",
    "FeatureDistance",
    "ReverseDistillation",
    "cosine_distance",
]
