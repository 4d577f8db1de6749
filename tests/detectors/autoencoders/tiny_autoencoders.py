"""Autoencoders of 16 x 16 pixels that train in a second."""

from hardsight.detectors.autoencoders import APAE, OCRGAN, PLS, RAE
from hardsight.detectors.methods import METHODS
from hardsight.training import Settings

NETWORK = {"channels": 4, "widest": 8, "levels": 2, "latent": 4}
TINY = {"network": NETWORK, "image_size": 16, "filter_size": 3, "precision": "fp32"}
SETTINGS = Settings(
    steps=24, batch_size=4, lr=3e-3, ema_decay=0.8, checkpoint_every=12, sample_every=12,
    precision="32-true", accelerator="cpu",
)  # fmt: skip
OWN = {
    APAE: {"steps": 2},
    OCRGAN: {},
    RAE: {},
    PLS: {"vector_components": 2, "spatial_components": 3},
}
"""Detector -> what its tiny variant takes beside the rest."""
RECORDS = {d: next(m for m in METHODS.values() if m.detector is d) for d in OWN}


def tiny(kind, **changed):
    """A tiny untrained detector of a class, in eval mode."""
    return kind(**TINY | OWN[kind] | changed).eval()


def tiny_config(kind, **changed):
    """The configuration of a short fit."""
    return RECORDS[kind].config(training=SETTINGS.model_copy(update=changed))
