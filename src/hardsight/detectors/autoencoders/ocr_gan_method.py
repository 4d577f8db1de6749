"""OCR-GAN as a registered method."""

from hardsight.detectors.autoencoders.ocr_gan import OCRGAN, fit_ocr_gan
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="ocr-gan",
    detector=OCRGAN,
    summary="Reconstruct the frequency bands of images against a discriminator.",
    preset="ocr-gan",
    fit=fit_ocr_gan,
    strength="a baseline of FreeRAD: defects of any scale, without a pretrained network",
    seconds=Seconds(fit=8 * 60, image=0.021),
)
