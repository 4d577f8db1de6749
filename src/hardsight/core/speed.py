"""How fast this machine computes networks, beside the one on which times were measured."""

import time
from functools import cache

import torch

from hardsight.core.convolutions import layers, step
from hardsight.core.precision import resolve

REFERENCE = 0.0075
"""Seconds that a step takes on two idle cores in float32 with AVX2, for which times are noted."""
BUDGET = 0.3
"""Seconds that the measurement takes, once its layers are warm."""
_SIDE = 64


@cache
def slowness(device: torch.device) -> float | None:
    """Return the times as long that networks take here, where nothing else runs.

    In the precision that "auto" means, with the threads that are set. The fastest of many steps
    counts: a busy neighbour slows most of them.

    Returns:
        2.0: twice as long as on the machine of ``REFERENCE``; None where nothing is known, on any
        device but a CPU.
    """
    if device.type != "cpu":
        return None
    low = resolve("auto", device).low
    x, *weights = layers(_SIDE, device.type)
    step(x, weights, low)
    taken: list[float] = []
    begun = time.perf_counter()
    while not taken or time.perf_counter() - begun < BUDGET:
        before = time.perf_counter()
        step(x, weights, low)
        taken.append(time.perf_counter() - before)
    return min(taken) / REFERENCE
