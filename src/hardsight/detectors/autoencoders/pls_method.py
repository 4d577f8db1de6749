"""PLS as a registered method."""

from hardsight.detectors.autoencoders.pls import PLS, PLSFit, fit_pls
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="pls",
    detector=PLS,
    summary="Reconstruct images from the principal components of an autoencoder's latents.",
    preset="pls",
    fit=fit_pls,
    config=PLSFit,
    strength="a baseline of FreeRAD: few components, which an attack moves little",
    seconds=Seconds(fit=330, image=0.0065),
)
