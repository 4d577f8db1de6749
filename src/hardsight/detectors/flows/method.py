"""FastFlow and CFlow as registered methods."""

from hardsight.detectors.flows.cflow import CFlow
from hardsight.detectors.flows.fastflow import FastFlow
from hardsight.detectors.flows.fitting import fit_flow
from hardsight.detectors.method import Method, Seconds

FASTFLOW = Method(
    name="fastflow",
    detector=FastFlow,
    summary="Score pretrained features by their density under two-dimensional flows.",
    preset="fastflow",
    fit=fit_flow,
    strength="strong and fast when nobody attacks",
    seconds=Seconds(fit=340, image=0.028),
)
CFLOW = Method(
    name="cflow",
    detector=CFlow,
    summary="Score pretrained features of patches by their density given their place.",
    preset="cflow",
    fit=fit_flow,
    strength="parts that always lie alike, when nobody attacks",
    seconds=Seconds(fit=400, image=0.032),
)
