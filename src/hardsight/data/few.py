"""A data set with few training images."""

from dataclasses import replace

import numpy as np

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.splits import evenly


def few(data: AnomalyData, count: int) -> AnomalyData:
    """Return the data set with ``count`` training images, spread evenly by position.

    All that is held out, for validation and test, stays as it is.

    Args:
        data: one category.
        count: how many.

    Raises:
        ValueError: there are not so many.
    """
    there = len(data.train)
    if not 1 <= count <= there:
        raise ValueError(
            f"count={count} training images cannot be taken of the {there} of {data.name}; "
            f"take at most {there}"
        )
    return replace(data, train=data.train.take(evenly(np.arange(there), count)))
