"""Attacks: optimiser x ball x objective x gradient estimator."""

from hardsight.attacks.balls import BALLS, L2, Ball, Linf, build_ball, parse_radius
from hardsight.attacks.gradients import Objective, frozen, value_and_gradient
from hardsight.attacks.objectives import SURROGATES, ScoreObjective, Surrogate
from hardsight.attacks.pgd import PGD

__all__ = [
    "BALLS",
    "L2",
    "PGD",
    "SURROGATES",
    "Ball",
    "Linf",
    "Objective",
    "ScoreObjective",
    "Surrogate",
    "build_ball",
    "frozen",
    "parse_radius",
    "value_and_gradient",
]
