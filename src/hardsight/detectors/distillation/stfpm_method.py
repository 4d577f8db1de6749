"""STFPM as a registered method."""

from hardsight.detectors.distillation.fitting import fit_student
from hardsight.detectors.distillation.stfpm import STFPM
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="stfpm",
    detector=STFPM,
    summary="Compare a student with its pretrained teacher, on several scales.",
    preset="stfpm",
    fit=fit_student,
    strength="sharp maps of small defects when nobody attacks",
    seconds=Seconds(fit=11 * 60, image=0.032),
)
