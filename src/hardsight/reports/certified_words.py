"""What the certificates of detectors and of classifiers share in words."""

from decimal import Decimal
from typing import NamedTuple

from hardsight.core.rounding import floor
from hardsight.evaluation.certified.results import AttackedVote, SmoothedAttack
from hardsight.evaluation.wording import figure

TONES = {"holds": "Certified", "weakened": "In part", "broken": "Little", "open": "Nothing"}
"""Tone -> word, by the joint certified AUROC."""


class Finding(NamedTuple):
    """What is certain within one radius."""

    tone: str
    """A key of ``TONES``; "" where no word is put on it."""
    text: str


def promised(value: float | None, measure: str) -> str:
    """Return a figure rounded down, as "0.978" for an AUROC of 0.9789; "-" for None."""
    return "-" if value is None else figure(floor(1000 * value) / 1000, measure)


def confidence(alpha: float) -> str:
    """Return 1 - alpha in per cent with all its digits: "99.9 %", "99.999999 %", never 100."""
    return f"{(100 - 100 * Decimal(str(alpha))).normalize():f} %"


def attack_row(
    name: str, left: float, attack: SmoothedAttack | AttackedVote, measure: str
) -> list[str]:
    """Return the line of an attack of a smoothed model, and of the figure that it leaves."""
    figures = (promised(left, measure), promised(attack.certified, measure))
    return [name, f"{attack.radius:g}", *figures, str(attack.images), str(attack.broken)]
