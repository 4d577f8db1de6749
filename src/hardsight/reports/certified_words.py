"""What the certificates of detectors and of classifiers share in words."""

import math
from typing import NamedTuple

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
