"""Mean and spread of a network's channels over images."""

from collections.abc import Callable

import torch
from torch import Tensor

from hardsight.core.batches import at_once


@torch.no_grad()
def channel_statistics(
    features: Callable[[Tensor], Tensor], images: Tensor
) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation, (1, C, 1, 1) each, of features over places and images.

    Args:
        features: images in [0, 1] -> (B, C, h, w).
        images: (N, 3, H, W) uint8, on the device of the features.
    """
    sums, count = [], 0
    for part in torch.split(images, at_once(images.shape, 8)):
        found = features(part.float() / 255).double()
        sums.append(torch.stack([found.sum((0, 2, 3)), found.square().sum((0, 2, 3))]))
        count += found[:, 0].numel()
    mean, square = torch.stack(sums).sum(0) / count
    std = (square - mean.square()).clamp_min(1e-12).sqrt()
    return mean.float().view(1, -1, 1, 1), std.float().view(1, -1, 1, 1)
