"""Held-out normal images, shared between what a fit chooses and the threshold."""

from collections.abc import Sequence

import torch
from torch import Tensor

from hardsight.data import AnomalyData


def shares(held_out: Tensor, selecting: bool) -> tuple[Tensor, Tensor]:
    """Return the held-out normals (to choose by, to calibrate on).

    Every other image for each where something is chosen: a threshold set on images that helped to
    choose the score would promise too much. Else all calibrate.
    """
    return held_out[::2], held_out[1::2] if selecting else held_out


def validation_shares(data: AnomalyData, selecting: bool) -> tuple[Tensor, Tensor]:
    """Return the shares (N, 3, H, W) uint8 of a data set's validation normals, see ``shares``.

    Of several categories each is shared by itself. Those to choose by come in turns, the first of
    each category, the second of each, ...; those to calibrate on one category after the other.
    """
    normals = data.by_category(lambda part: part.validation)
    parts = [shares(images, selecting) for images in normals]
    choosing, calibrating = zip(*parts, strict=True)
    return _in_turns(choosing), joined(calibrating)


def joined(parts: Sequence[Tensor]) -> Tensor:
    """Return the rows of all parts, one part after the other; a single part is not copied."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _in_turns(parts: Sequence[Tensor]) -> Tensor:
    if len(parts) == 1:
        return parts[0]
    places = [(i, p) for p, part in enumerate(parts) for i in range(len(part))]
    return torch.stack([parts[p][i] for i, p in sorted(places)])
