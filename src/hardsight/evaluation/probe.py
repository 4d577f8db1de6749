"""Whether a model has a gradient at all, and how long it takes."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from hardsight.attacks import Objective, value_and_gradient
from hardsight.evaluation.costs import FORWARD

PROBES = 3
"""Evaluations by which the time is estimated; the fastest counts."""


def probe(
    objective: Objective, x: Tensor, generator: Callable[[], torch.Generator]
) -> tuple[float, str]:
    """Return the seconds of an evaluation of an image with its gradient, and why there is none.

    Where there is none, those that it would take by the time of its value.

    Args:
        objective: of the model.
        x: (B, C, H, W) in [0, 1].
        generator: makes one for each evaluation.
    """
    try:
        return _fastest(lambda: value_and_gradient(objective, x, generator()), len(x)), ""
    except torch.OutOfMemoryError:
        raise
    except (ValueError, RuntimeError) as error:  # "modified by an inplace operation"
        with torch.no_grad():
            seconds = _fastest(lambda: objective(x, generator()), len(x))
        return seconds / FORWARD, str(error)


def _fastest(evaluate: Callable[[], object], images: int) -> float:
    """Return the seconds that an image takes."""
    took = []
    for _ in range(PROBES):  # the first also warms up; another process may slow any of them
        begun = time.perf_counter()
        evaluate()
        took.append(time.perf_counter() - begun)
    return min(took) / images
