"""Threats beside the balls: changes with bounded parameters that an attacker may choose."""

from hardsight.attacks.threats.focus import Focus
from hardsight.attacks.threats.light import Light
from hardsight.attacks.threats.low_frequency import LowFrequency
from hardsight.attacks.threats.named import THREATS, build_threat, default_eps
from hardsight.attacks.threats.parameter_space import ParameterSpace
from hardsight.attacks.threats.perceptual import Perceptual
from hardsight.attacks.threats.pose import Pose
from hardsight.attacks.threats.sticker import Sticker
from hardsight.attacks.threats.threat import Threat, is_shared
from hardsight.attacks.threats.universal import Universal

__all__ = [
    "THREATS",
    "Focus",
    "Light",
    "LowFrequency",
    "ParameterSpace",
    "Perceptual",
    "Pose",
    "Sticker",
    "Threat",
    "Universal",
    "build_threat",
    "default_eps",
    "is_shared",
]
