"""Brightness, contrast and sharpness of a run's good parts, kept with it."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json
from hardsight.data import AnomalyData
from hardsight.evaluation.distribution_shift import STATISTICS, image_statistics

STATISTICS_FILE = "statistics.json"


def read_statistics(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Return the values (n,) of each statistic that ``write_statistics`` wrote.

    Raises:
        ValueError: the file is damaged.
    """
    return read_json(
        folder / STATISTICS_FILE,
        "remove it, and it is made anew where the data set is",
        lambda found: {name: np.asarray(found[name], np.float64) for name in STATISTICS},
    )


def write_statistics(folder: Path, data: AnomalyData) -> None:
    """Write the values of a data set's training and held-out images as ``statistics.json``."""
    parts = [image_statistics(part.images()) for part in (data.train, data.validation)]
    values = {name: [*parts[0][name], *parts[1][name]] for name in STATISTICS}
    write_atomically(folder / STATISTICS_FILE, json.dumps(values) + "\n")
