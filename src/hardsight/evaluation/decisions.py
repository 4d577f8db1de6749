"""What a threshold decides on scores: defects found and false alarms, and their shares."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hardsight.evaluation.attacked import Attacked
from hardsight.evaluation.results import Curve, Decisions, Estimate
from hardsight.evaluation.subjects import Subject
from hardsight.metrics import accuracy_interval, alarms


def decisions(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], threshold: float
) -> Decisions:
    """Count what a threshold decides on scores (n,) of the first n images.

    Args:
        scores: on the known noise that decisions are made on.
        labels: (N,) true = anomalous.
        threshold: an alarm is a score above it.
    """
    labels = labels[: len(scores)]
    alarm = alarms(scores, threshold)
    found, false = np.count_nonzero(alarm & labels), np.count_nonzero(alarm & ~labels)
    return Decisions(int(found), int(labels.sum()), int(false), int((~labels).sum()))


def decided(subject: Subject, done: Attacked) -> Decisions | None:
    """Count decisions on the images of a subject after an attack; None: it decides nothing."""
    if subject.threshold is None or done.decided is None:
        return None
    return decisions(done.decided, subject.truth, subject.threshold)


def shares(counted: Decisions) -> dict[str, Estimate]:
    """Return the shares of defects found and of false alarms, with their exact intervals."""
    pairs = {
        "defects found": (counted.found, counted.defects),
        "false alarms": (counted.false, counted.good),
    }
    return {
        name: Estimate(*accuracy_interval(np.arange(of) < n, np.ones(of, dtype=bool)))
        for name, (n, of) in pairs.items()
    }


def decision_curve(counted: Mapping[float, Decisions], x_label: str, attack: str) -> Curve:
    """Draw the shares of defects found and of false alarms under ever stronger attacks.

    Args:
        counted: severity -> the decisions, in rising severity.
        x_label: of the severity.
        attack: in words.
    """
    lines: dict[str, tuple[tuple[float, Estimate], ...]] = {}
    for severity, at in counted.items():
        for measure, share in shares(at).items():
            lines[measure] = (*lines.get(measure, ()), (severity, share))
    return Curve("What happens at the threshold?", x_label, lines, attack, "share of images")
