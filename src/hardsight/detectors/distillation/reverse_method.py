"""Reverse Distillation as a registered method."""

from hardsight.detectors.distillation.fitting import fit_student
from hardsight.detectors.distillation.reverse import ReverseDistillation
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="reverse-distillation",
    detector=ReverseDistillation,
    summary="Find a teacher's features again from a bottleneck that learnt normal images.",
    preset="reverse-distillation",
    fit=fit_student,
    strength="objects and textures alike, with smooth maps, when nobody attacks",
    seconds=Seconds(fit=9 * 60, image=0.023),
)
