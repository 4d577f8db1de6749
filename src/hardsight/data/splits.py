"""Choosing images by place and name, never by what they show."""

import hashlib
from collections.abc import Callable, Sequence
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
    base = root if root is not None else common_folder([s.path for s in samples])
    names = [relative_name(sample.path, base) for sample in samples]
    return _split(samples, names, fraction, seed)


def split_groups(
    samples: Sequence[Sample], group: Callable[[Sample], str], fraction: float, seed: int = 0
) -> tuple[list[Sample], list[Sample]]:
    """Hold out a share of the groups of samples, each whole; return (kept, held out).

    For pictures that belong together, as the slices of a patient do: none of a group that is held
    out is kept. Chosen, rounded and refused as by ``split_validation``, with groups for images.
    """
    return _split(samples, [group(sample) for sample in samples], fraction, seed)


def _split(
    samples: Sequence[Sample], names: Sequence[str], fraction: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Hold out the samples whose names have the smallest SHA-256 of seed and name."""
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must be between 0 and 1 (exclusive), got {fraction}")
    different = sorted(set(names))
    if len(different) < 2:
        given = f"only {different[0]}" if different else "none"
        raise ValueError(
            f"a split needs at least two images (or groups of them), got {given}; add normal images"
        )

    def rank(name: str) -> bytes:
        return hashlib.sha256(f"{seed}:{name}".encode(errors="surrogateescape")).digest()

    count = min(max(round(fraction * len(different)), 1), len(different) - 1)
    held = set(sorted(different, key=rank)[:count])
    pairs = list(zip(samples, names, strict=True))
    return (
        [sample for sample, name in pairs if name not in held],
        [sample for sample, name in pairs if name in held],
    )
