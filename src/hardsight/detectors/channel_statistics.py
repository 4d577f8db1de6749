"""Mean and standard deviation of the channels of features."""

from collections.abc import Iterable

import torch
from torch import Tensor

_LEAST = 1e-12
"""Variance that a channel is taken to have at least."""


@torch.no_grad()
def channel_statistics(batches: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation, (1, C, 1, 1) each, of features over places and images.

    Summed in double precision, of large numbers and small differences nothing is lost; on the CPU,
    for not every device has it (MPS).

    Args:
        batches: (b, C, h, w) each, together at least one, on one device.
    """
    sums, count, where = [], 0, torch.device("cpu")
    for found in batches:
        wide, where = found.cpu().double(), found.device
        sums.append(torch.stack([wide.sum((0, 2, 3)), wide.square().sum((0, 2, 3))]))
        count += found[:, 0].numel()
    mean, square = torch.stack(sums).sum(0) / count
    std = (square - mean.square()).clamp_min(_LEAST).sqrt()
    return mean.float().view(1, -1, 1, 1).to(where), std.float().view(1, -1, 1, 1).to(where)
