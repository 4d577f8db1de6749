"""What attackers maximise: functions from images to one number per image."""

from hardsight.attacks.objectives.classes import (
    ClassObjective,
    CrossEntropyObjective,
    DLRObjective,
    MarginObjective,
    TargetedDLRObjective,
)
from hardsight.attacks.objectives.deviation import DEVIATIONS, DeviationObjective, Purifications
from hardsight.attacks.objectives.maps import MAP_LOSSES, MapLoss, MapObjective, flipped, patches
from hardsight.attacks.objectives.regions import RegionMean, top_region
from hardsight.attacks.objectives.score import (
    SURROGATES,
    DecisionObjective,
    ScoreObjective,
    Surrogate,
)

__all__ = [
    "DEVIATIONS",
    "MAP_LOSSES",
    "SURROGATES",
    "ClassObjective",
    "CrossEntropyObjective",
    "DLRObjective",
    "DecisionObjective",
    "DeviationObjective",
    "MapLoss",
    "MapObjective",
    "MarginObjective",
    "Purifications",
    "RegionMean",
    "ScoreObjective",
    "Surrogate",
    "TargetedDLRObjective",
    "flipped",
    "patches",
    "top_region",
]
