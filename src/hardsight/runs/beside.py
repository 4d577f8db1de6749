"""The detectors of two runs side by side."""

import logging

from hardsight.core.run_folders import RunError
from hardsight.data import AnomalyData, Manifest
from hardsight.data.containers import content_sha256
from hardsight.detectors import TwoWitnesses
from hardsight.runs.detector import DetectorRun
from hardsight.runs.folder import MANIFEST

_log = logging.getLogger(__name__)


def beside(
    robust: DetectorRun, clean: DetectorRun, device: str = "auto"
) -> tuple[TwoWitnesses, AnomalyData]:
    """Return the detectors of two runs as two witnesses, and the data set of the first.

    The thresholds are set on the normal images that the first run held out of its training. That
    they were trained on no image in common is warned of: they may be of different parts.

    Args:
        robust: whose defects are defects.
        clean: what it alone sees is inspected again.
        device: where both compute.

    Raises:
        RunError: a run is not finished, the two are one, or the second was trained on what the
            first held out.
        ValueError: images of two sizes, or too few held out.
    """
    if robust.path.resolve() == clean.path.resolve():
        raise RunError(f"{clean.path} sees nothing else beside itself; name another run")
    detector, data = robust.opened(device)
    held_out = [sample.path for sample in data.validation.samples]
    known = Manifest.read(clean.path / MANIFEST)
    trained = known.trained
    learnt = sum(content_sha256(path) in trained for path in held_out)
    if learnt:
        raise RunError(
            f"{clean.path} was trained on {learnt} of the {len(held_out)} images that "
            f"{robust.path} held out, so that no threshold can be set on them; fit it again with "
            f"--seed {robust.config.training.seed} and the same data"
        )
    if not trained & Manifest.read(robust.path / MANIFEST).trained:
        _log.warning(
            f"{clean.path} was trained on none of the images that {robust.path} was; what they say "
            "together means nothing unless both are of the same parts"
        )
    both = TwoWitnesses(detector, clean.deciding(device))
    return both.calibrated(data.validation.images(), robust.config.fit.false_alarms), data
