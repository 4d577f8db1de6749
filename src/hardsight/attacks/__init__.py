"""Attacks: optimiser x ball x objective x gradient estimator."""

from hardsight.attacks.adaptive import A3
from hardsight.attacks.apgd import APGD
from hardsight.attacks.attack import Attack
from hardsight.attacks.attempts import Attempt
from hardsight.attacks.balls import BALLS, L2, Ball, Linf, build_ball, parse_radius
from hardsight.attacks.bpda import BPDA, bypassed, local_mean
from hardsight.attacks.bridges import Foreign, TwoClasses
from hardsight.attacks.carlini import CarliniWagner
from hardsight.attacks.catalogue import ATTACKS, attack_names, build_suite
from hardsight.attacks.checkpoints import Checkpointed, checkpointed
from hardsight.attacks.composite import Composite
from hardsight.attacks.contract import Objective, scheduled
from hardsight.attacks.deepfool import DeepFool
from hardsight.attacks.effort import BUDGETS, Effort
from hardsight.attacks.fab import FAB
from hardsight.attacks.gaussian import GaussianNoise
from hardsight.attacks.gradients import frozen, value_and_gradient
from hardsight.attacks.hyperplane import to_hyperplane
from hardsight.attacks.objectives import (
    DEVIATIONS,
    MAP_LOSSES,
    SURROGATES,
    CrossEntropyObjective,
    DecisionObjective,
    DeviationObjective,
    DLRObjective,
    MapLoss,
    MapObjective,
    MarginObjective,
    RegionMean,
    ScoreObjective,
    Surrogate,
    TargetedDLRObjective,
    flipped,
    patches,
    top_region,
)
from hardsight.attacks.objectives.draws import is_random
from hardsight.attacks.optimisers import Optimiser
from hardsight.attacks.pgd import PGD, bim, fgsm
from hardsight.attacks.sea import SEA_LOSSES, Progressive
from hardsight.attacks.square import Square
from hardsight.attacks.suites import Suite
from hardsight.attacks.threats import THREATS, ParameterSpace, Threat, build_threat, default_eps
from hardsight.attacks.victims import ClassVictim, MapVictim, ScoreVictim, Victim

__all__ = [
    "A3",
    "APGD",
    "ATTACKS",
    "BALLS",
    "BPDA",
    "BUDGETS",
    "DEVIATIONS",
    "FAB",
    "L2",
    "MAP_LOSSES",
    "PGD",
    "SEA_LOSSES",
    "SURROGATES",
    "THREATS",
    "Attack",
    "Attempt",
    "Ball",
    "CarliniWagner",
    "Checkpointed",
    "ClassVictim",
    "Composite",
    "CrossEntropyObjective",
    "DLRObjective",
    "DecisionObjective",
    "DeepFool",
    "DeviationObjective",
    "Effort",
    "Foreign",
    "GaussianNoise",
    "Linf",
    "MapLoss",
    "MapObjective",
    "MapVictim",
    "MarginObjective",
    "Objective",
    "Optimiser",
    "ParameterSpace",
    "Progressive",
    "RegionMean",
    "ScoreObjective",
    "ScoreVictim",
    "Square",
    "Suite",
    "Surrogate",
    "TargetedDLRObjective",
    "Threat",
    "TwoClasses",
    "Victim",
    "attack_names",
    "bim",
    "build_ball",
    "build_suite",
    "build_threat",
    "bypassed",
    "checkpointed",
    "default_eps",
    "fgsm",
    "flipped",
    "frozen",
    "is_random",
    "local_mean",
    "parse_radius",
    "patches",
    "scheduled",
    "to_hyperplane",
    "top_region",
    "value_and_gradient",
]
