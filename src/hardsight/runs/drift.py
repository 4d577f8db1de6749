"""What the parts of a line are held against to see drift: good parts that a run knows."""

import numpy as np
from numpy.typing import NDArray

from hardsight.data.places import exists
from hardsight.detectors import Calibration
from hardsight.detectors.saved import CALIBRATION_FILE
from hardsight.runs.detector import DetectorRun
from hardsight.runs.statistics import STATISTICS_FILE, read_statistics, write_statistics

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
    place = run.config.data.top
    if not (run.path / STATISTICS_FILE).is_file():
        if place is None or not exists(place):
            return found
        write_statistics(run.path, run.data())
    return found | read_statistics(run.path)
