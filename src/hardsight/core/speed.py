"""How fast this machine computes networks, beside the one on which times were measured."""

import time
from functools import cache

import torch

from hardsight.core.convolutions import layers, step
from hardsight.core.precision import resolve

REFERENCE = 0.0075
"""Seconds that a step takes on two idle cores in float32 with AVX2, for which times are noted."""
BUDGET = 0.3
"""Seconds of each thread that the measurement takes, once its layers are warm."""
_SIDE = 64


@cache
def slowness(device: torch.device) -> float | None:
    """Return the times as long that networks take here, where nothing else runs.

    In the precision that "auto" means, with the threads that are set. It is the processor time of
    a thread in the fastest of many steps: a busy neighbour changes the clock, not the answer.

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
    begun = _thread_seconds()
    while not taken or _thread_seconds() - begun < BUDGET:
        before = _thread_seconds()
        step(x, weights, low)
        taken.append(_thread_seconds() - before)
    return min(taken) / REFERENCE


def _thread_seconds() -> float:
    """Return the processor time of this process, as each of the threads that compute has it."""
    return time.process_time() / torch.get_num_threads()
