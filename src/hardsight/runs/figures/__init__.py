"""What is measured of the model of a run: evaluated, audited and certified, whatever it is."""

from typing import Any

from hardsight.runs import ClassifierRun, DetectorRun
from hardsight.runs.figures.asked import AttackChoice, CertificateChoice, ImageChoice
from hardsight.runs.figures.classifier import ClassifierFigures
from hardsight.runs.figures.detector import DetectorFigures
from hardsight.runs.figures.figures import Figures, PlannedEvaluation

__all__ = [
    "AttackChoice",
    "CertificateChoice",
    "Figures",
    "ImageChoice",
    "PlannedEvaluation",
    "figures_of",
]


def figures_of(run: DetectorRun | ClassifierRun, device: str = "auto") -> Figures[Any]:
    """Return what measures the model of a run on a device."""
    if isinstance(run, DetectorRun):
        return DetectorFigures(run, device)
    return ClassifierFigures(run, device)
