"""Dinomaly as a registered method."""

from hardsight.detectors.distillation.dinomaly import Dinomaly
from hardsight.detectors.distillation.fitting import MinedFit, fit_mined_student
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="dinomaly",
    detector=Dinomaly,
    summary="Find a teacher's features again by a transformer behind a noisy bottleneck.",
    preset="dinomaly",
    fit=fit_mined_student,
    config=MinedFit,
    strength="a ViT's features, and many kinds of parts, when nobody attacks",
    seconds=Seconds(fit=10 * 60, image=0.035),
)
