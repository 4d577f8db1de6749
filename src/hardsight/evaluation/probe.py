"""Whether a model has a gradient at all, and how long it takes."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from hardsight.attacks import Objective, value_and_gradient

PROBES = 3
"""Evaluations by which the time is estimated; the fastest counts."""


def probe(
    objective: Objective, x: Tensor, generator: Callable[[], torch.Generator]
) -> tuple[float, str]:
    """Return the seconds of an evaluation of an image with its gradient, and why there is none.

    Args:
        objective: of the model.
        x: (B, C, H, W) in [0, 1].
        generator: makes one for each evaluation.
    """
    took = []
    for _ in range(PROBES):  # the first also warms up; another process may slow any of them
        begun = time.perf_counter()
        try:
            value_and_gradient(objective, x, generator())
            error = ""
        except torch.OutOfMemoryError:
            raise
        except (ValueError, RuntimeError) as found:  # "modified by an inplace operation"
            error = str(found)
        took.append((time.perf_counter() - begun) / len(x))
    return min(took), error
