"""What happens at a detector's thresholds: defects found and false alarms."""

from typing import NamedTuple

import numpy as np

from hardsight.evaluation.results import Evaluation


class Alarms(NamedTuple):
    """The decisions at one threshold under one attack."""

    calibrated: str
    """On which normal images the threshold was set, see ``Calibration.source``."""
    attack: str
    """A key of ``Evaluation.decided``."""
    found: int
    """Of ``defects``, those above the threshold."""
    defects: int
    false: int
    """Of ``good`` parts, those above it."""
    good: int


def alarms(evaluation: Evaluation) -> list[Alarms]:
    """Count decisions at each threshold, clean, under each suite and at each radius of the curve.

    Nothing where there is no threshold.
    """
    thresholds = evaluation.thresholds
    return [
        Alarms(how, attack, *_counted(evaluation, attack, value))
        for how, value in thresholds.items()
        for attack in evaluation.decided
    ]


def counts(evaluation: Evaluation, attack: str) -> tuple[int, int, int, int]:
    """Return (defects found, defects, false alarms, good parts) at the detector's threshold."""
    if evaluation.threshold is None:
        raise ValueError("threshold is None: calibrate the detector before counting alarms")
    return _counted(evaluation, attack, evaluation.threshold)


def _counted(evaluation: Evaluation, attack: str, threshold: float) -> tuple[int, int, int, int]:
    scores = evaluation.decided[attack]
    labels = evaluation.labels[: len(scores)]
    alarm = scores > threshold
    found, false = np.count_nonzero(alarm & labels), np.count_nonzero(alarm & ~labels)
    return int(found), int(labels.sum()), int(false), int((~labels).sum())
