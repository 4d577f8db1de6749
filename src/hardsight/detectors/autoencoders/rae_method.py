"""RAE as a registered method."""

from hardsight.detectors.autoencoders.rae import RAE, fit_rae
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="rae",
    detector=RAE,
    summary="Reconstruct what a sparse remainder leaves of an image by an autoencoder.",
    preset="rae",
    fit=fit_rae,
    strength="a baseline of FreeRAD: an autoencoder that outliers among the training images spare",
    seconds=Seconds(fit=8 * 60, image=0.018),
)
