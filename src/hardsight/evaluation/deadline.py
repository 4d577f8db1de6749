"""Work that stops when its time is up."""

import math
import time


def deadline(max_minutes: float | None) -> float:
    """Return the ``time.monotonic()`` after which nothing more is begun; infinite for None.

    Raises:
        ValueError: a negative time, or none (NaN).
    """
    if max_minutes is None:
        return math.inf
    if not max_minutes >= 0:
        raise ValueError(f"max_minutes must be 0 or more, got {max_minutes}; leave it out for ever")
    return time.monotonic() + 60 * max_minutes
