"""Brightness, contrast and sharpness of a run's good parts, kept with it."""

import json
from pathlib import Path

from hardsight.core.files import write_atomically
from hardsight.data import AnomalyData
from hardsight.evaluation.distribution_shift import STATISTICS, image_statistics

STATISTICS_FILE = "statistics.json"


def write_statistics(folder: Path, data: AnomalyData) -> None:
    """Write the values of a data set's training and held-out images as ``statistics.json``."""
    parts = [image_statistics(part.images()) for part in (data.train, data.validation)]
    values = {name: [*parts[0][name], *parts[1][name]] for name in STATISTICS}
    write_atomically(folder / STATISTICS_FILE, json.dumps(values) + "\n")
