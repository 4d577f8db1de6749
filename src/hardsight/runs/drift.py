"""What the parts of a line are held against to see drift: good parts that a run knows."""

import json

import numpy as np
from numpy.typing import NDArray

from hardsight.data.places import exists
from hardsight.detectors import Calibration
from hardsight.detectors.saved import CALIBRATION_FILE
from hardsight.evaluation.distribution_shift import STATISTICS
from hardsight.runs.detector import DetectorRun
from hardsight.runs.statistics import STATISTICS_FILE, write_statistics

SCORE = "score"
"""The stream of scores, beside those of ``STATISTICS``."""


def drift_references(
    run: DetectorRun, calibration: Calibration | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the values (n,) of good parts, for a ``DriftMonitor``.

    Of the score those of the held-out normals that set the threshold: normals that were trained on
    score too low. Of brightness, contrast and sharpness those of training images too, which know
    nothing of the training; they are kept in the run's ``statistics.json``, and left out where
    there is no such file and the data set is not there any more.

    Args:
        run: finished.
        calibration: of what scores in place of the run's own detector; None: of that.
    """
    calibration = calibration or Calibration.read(run.path / CALIBRATION_FILE)
    found = {SCORE: np.asarray(calibration.clean_scores, np.float64)}
    path, place = run.path / STATISTICS_FILE, run.config.data.path
    if not path.is_file():
        if place is None or not exists(place):
            return found
        write_statistics(run.path, run.data())
    values = json.loads(path.read_text("utf-8"))
    return found | {name: np.asarray(values[name], np.float64) for name in STATISTICS}
