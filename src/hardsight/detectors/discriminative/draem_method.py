"""DRAEM as a registered method."""

from hardsight.detectors.discriminative.draem import DRAEM
from hardsight.detectors.discriminative.draem_fitting import DRAEMFit, fit_draem
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="draem",
    detector=DRAEM,
    summary="Tell an image from its reconstruction, learnt from synthetic anomalies.",
    preset="draem",
    fit=fit_draem,
    config=DRAEMFit,
    strength="maps without pretrained features, on evenly placed objects and textures",
    seconds=Seconds(fit=12 * 60, image=0.041),
)
