"""Choosing images by place and name, never by what they show."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardsight.data.files import common_folder, relative_name
from hardsight.data.image_set import Sample


def evenly(values: NDArray[np.intp], count: int) -> list[int]:
    """Return at most ``count`` of the values, spread evenly over their positions."""
    count = min(count, len(values))
    middles = (np.arange(count) + 0.5) * len(values) / max(count, 1)
    return [int(v) for v in values[middles.astype(int)]]


def split_validation(
    samples: Sequence[Sample], fraction: float = 0.2, seed: int = 0, root: Path | None = None
) -> tuple[list[Sample], list[Sample]]:
    """Hold out a share of the samples; return (kept, held out), each in the given order.

    The samples with the smallest SHA-256 of seed and relative path are held out. Each file keeps
    its place in that order whatever others there are: one file more moves one other at most.

    Args:
        samples: At least two.
        fraction: Share held out, in (0, 1); rounded, at least one sample on either side.
        seed: Another seed, another split.
        root: What the paths are relative to; the samples' common folder if None.

    Raises:
        ValueError: fewer than two samples, or a fraction outside (0, 1).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must be between 0 and 1 (exclusive), got {fraction}")
    if len(samples) < 2:
        given = f"only {samples[0].path}" if samples else "none"
        raise ValueError(f"a split needs at least two images, got {given}; add normal images")
    base = root if root is not None else common_folder([s.path for s in samples])

    def rank(index: int) -> bytes:
        name = relative_name(samples[index].path, base)
        return hashlib.sha256(f"{seed}:{name}".encode(errors="surrogateescape")).digest()

    count = min(max(round(fraction * len(samples)), 1), len(samples) - 1)
    held = set(sorted(range(len(samples)), key=rank)[:count])
    kept = [s for i, s in enumerate(samples) if i not in held]
    return kept, [s for i, s in enumerate(samples) if i in held]
