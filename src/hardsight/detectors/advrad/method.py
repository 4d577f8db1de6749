"""AdvRAD as a registered method."""

from hardsight.detectors.advrad.detector import AdvRAD
from hardsight.detectors.advrad.fitting import fit_advrad
from hardsight.detectors.advrad.recipe import AdvRADFit
from hardsight.detectors.method import Method, Seconds

METHOD = Method(
    name="advrad",
    detector=AdvRAD,
    summary="Reconstruct the image as a normal one by diffusion, and score what changed (FreeRAD).",
    preset="advrad",
    fit=fit_advrad,
    config=AdvRADFit,
    strength="fitted in minutes, holds up under faint perturbations",
    seconds=Seconds(fit=20 * 60, image=0.074),
)
