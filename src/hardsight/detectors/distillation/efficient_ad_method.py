"""EfficientAD as a registered method."""

from hardsight.detectors.distillation.efficient_ad import EfficientAD
from hardsight.detectors.distillation.efficient_ad_fitting import EfficientADFit, fit_efficient_ad
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="efficient-ad",
    detector=EfficientAD,
    summary="Compare a student with a small teacher and with an autoencoder.",
    preset="efficient-ad",
    fit=fit_efficient_ad,
    config=EfficientADFit,
    strength="few layers for a GPU, and logical anomalies too, when nobody attacks",
    seconds=Seconds(fit=15 * 60, image=0.048),
)
