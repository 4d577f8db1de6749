"""GLASS as a registered method."""

from hardsight.detectors.discriminative.glass_fitting import GLASSFit, fit_glass
from hardsight.detectors.discriminative.patch_discriminator import PatchDiscriminator
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="glass",
    detector=PatchDiscriminator,
    summary="Tell pretrained features of normal patches from those of anomalies near them.",
    preset="glass",
    fit=fit_glass,
    config=GLASSFit,
    strength="weak, small defects, and fast scoring",
    seconds=Seconds(fit=105, image=0.015),
)
