"""What is measured of the model of a run: evaluated, audited and certified, whatever it is."""

from typing import Any

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
    run: DetectorRun | ClassifierRun, device: str = "auto", purifier: PurifierChoice | None = None
) -> Figures[Any]:
    """Return what measures the model of a run on a device, a detector behind a purifier if told."""
    if isinstance(run, ClassifierRun):
        return ClassifierFigures(run, device)
    return PurifiedFigures(run, purifier, device) if purifier else DetectorFigures(run, device)
