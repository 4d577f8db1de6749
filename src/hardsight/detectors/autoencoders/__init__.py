"""Autoencoders: the reconstruction baselines of FreeRAD, some meant as defences."""

from hardsight.detectors.autoencoders.apae import APAE
from hardsight.detectors.autoencoders.network import Architecture, Autoencoder, Decoder, Encoder
from hardsight.detectors.autoencoders.ocr_gan import OCRGAN
from hardsight.detectors.autoencoders.pls import PLS, PLSFit
from hardsight.detectors.autoencoders.rae import RAE

__all__ = [
    "APAE",
    "OCRGAN",
    "PLS",
    "RAE",
    "Architecture",
    "Autoencoder",
    "Decoder",
    "Encoder",
    "PLSFit",
]
