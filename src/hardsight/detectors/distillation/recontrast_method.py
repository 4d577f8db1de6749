"""ReContrast as a registered method."""

from hardsight.detectors.distillation.recontrast import ReContrast
from hardsight.detectors.distillation.recontrast_fitting import ReContrastFit, fit_recontrast
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="recontrast",
    detector=ReContrast,
    summary="Find the features of a frozen and of an adapted encoder from each other's.",
    preset="recontrast",
    fit=fit_recontrast,
    config=ReContrastFit,
    strength="images unlike ImageNet's; robust variants, from an adversarially trained backbone",
    seconds=Seconds(fit=13 * 60, image=0.043),
)
