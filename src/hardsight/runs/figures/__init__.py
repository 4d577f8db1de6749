"""What is measured of the model of a run: evaluated, audited and certified, whatever it is."""

from typing import Any

from hardsight.core.progress import Progress, quiet
from hardsight.runs import ClassifierRun, DetectorRun
from hardsight.runs.figures.asked import (
    AttackChoice,
    CertificateChoice,
    ImageChoice,
    PurifierChoice,
    demand_effect,
)
from hardsight.runs.figures.classifier import ClassifierFigures
from hardsight.runs.figures.detector import DetectorFigures
from hardsight.runs.figures.figures import Figures, PlannedEvaluation
from hardsight.runs.figures.purified import PurifiedFigures

__all__ = [
    "AttackChoice",
    "CertificateChoice",
    "Figures",
    "ImageChoice",
    "PlannedEvaluation",
    "PurifierChoice",
    "demand_effect",
    "figures_of",
]


def figures_of(
    run: DetectorRun | ClassifierRun,
    device: str = "auto",
    purifier: PurifierChoice | None = None,
    progress: Progress = quiet,
) -> Figures[Any]:
    """Return what measures the model of a run on a device, a detector behind a purifier if told.

    Args:
        run, device, progress: see ``Figures``.
        purifier: what stands in front of a detector.
    """
    if isinstance(run, ClassifierRun):
        return ClassifierFigures(run, device, progress)
    if purifier is None:
        return DetectorFigures(run, device, progress)
    return PurifiedFigures(run, purifier, device, progress)
