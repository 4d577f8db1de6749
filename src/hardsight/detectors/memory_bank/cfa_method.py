"""CFA as a registered method."""

from hardsight.detectors.memory_bank.cfa import CFA
from hardsight.detectors.memory_bank.cfa_fitting import CFAFit, fit_cfa
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="cfa",
    detector=CFA,
    summary="Adapt pretrained features to spheres round normal patches, and score the distance.",
    preset="cfa",
    fit=fit_cfa,
    config=CFAFit,
    strength="a baseline of FreeRAD: a small bank, adapted to one product",
    seconds=Seconds(fit=45, image=0.024),
)
