"""What the certificates of detectors and of classifiers share in words."""

import math
from typing import NamedTuple

from hardsight.evaluation.certified.results import AttackedVote, SmoothedAttack

TONES = {"holds": "Certified", "weakened": "In part", "broken": "Little", "open": "Nothing"}
"""Tone -> word, by the joint certified AUROC."""


class Finding(NamedTuple):
    """What is certain within one radius."""

    tone: str
    """A key of ``TONES``; "" where no word is put on it."""
    text: str


def percent(value: float | None) -> str:
    """Return "97.8" for 0.9789, "-" for None: what is promised is never rounded up."""
    return "-" if value is None else f"{math.floor(1000 * value + 1e-6) / 10:.1f}"


def attack_row(name: str, left: float, attack: SmoothedAttack | AttackedVote) -> list[str]:
    """Return the line of an attack of a smoothed model, and of the figure that it leaves."""
    figures = (percent(left), percent(attack.certified))
    return [name, f"{attack.radius:g}", *figures, str(attack.images), str(attack.broken)]
