"""What happens at a detector's thresholds: defects found and false alarms."""

from typing import NamedTuple

from hardsight.evaluation.decisions import decisions
from hardsight.evaluation.results import Decisions, Evaluation


class Alarms(NamedTuple):
    """The decisions at one threshold under one attack."""

    calibrated: str
    """On which normal images the threshold was set, see ``Calibration.source``."""
    attack: str
    """A key of ``Evaluation.decided``."""
    found: int
    """Those of ``defects`` above the threshold."""
    defects: int
    false: int
    """Those of ``good`` above it."""
    good: int


def alarms(evaluation: Evaluation) -> list[Alarms]:
    """Count decisions at each threshold, clean, under each suite and at each radius of the curve.

    Nothing where there is no threshold.
    """
    thresholds = evaluation.thresholds
    return [
        Alarms(how, attack, *decisions(scores, evaluation.labels, value))
        for how, value in thresholds.items()
        for attack, scores in evaluation.decided.items()
    ]


def counts(evaluation: Evaluation, attack: str) -> Decisions:
    """Count decisions at the detector's threshold under an attack.

    Raises:
        ValueError: there is no threshold.
    """
    if evaluation.threshold is None:
        raise ValueError("threshold is None: calibrate the detector before counting alarms")
    return decisions(evaluation.decided[attack], evaluation.labels, evaluation.threshold)
