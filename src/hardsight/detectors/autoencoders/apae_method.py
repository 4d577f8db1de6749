"""APAE as a registered method."""

from hardsight.detectors.autoencoders.apae import APAE, fit_apae
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="apae",
    detector=APAE,
    summary="Reconstruct images from optimised latents, and weight the errors of each pixel.",
    preset="apae",
    fit=fit_apae,
    strength="a baseline of FreeRAD: a defence by optimisation, attacked through all of its steps",
    seconds=Seconds(fit=270, image=0.078),
)
