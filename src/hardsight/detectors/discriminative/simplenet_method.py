"""SimpleNet as a registered method."""

from hardsight.detectors.discriminative.patch_discriminator import PatchDiscriminator
from hardsight.detectors.discriminative.simplenet_fitting import SimpleNetFit, fit_simplenet
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="simplenet",
    detector=PatchDiscriminator,
    summary="Tell pretrained features of normal patches from the same with noise.",
    preset="simplenet",
    fit=fit_simplenet,
    config=SimpleNetFit,
    strength="fast scoring without a memory of the training images",
    seconds=Seconds(fit=110, image=0.016),
)
