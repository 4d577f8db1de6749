"""The mean filter of error maps (FreeRAD, Algorithm 4)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def demand_filter(size: int) -> None:
    """Refuse what is no side of a filter.

    Raises:
        ValueError: it is even or not positive.
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"filter_size must be odd and positive, got {size}")


def mean_filter(maps: Tensor, size: int) -> Tensor:
    """Filter by Algorithm 4's ``f_{s x s}``, zero-padded: differences of running sums.

    Shape:
        maps: (B, 1, H, W) -> the same. ``size`` must be odd; 1 changes nothing.
    """
    demand_filter(size)
    if size == 1:
        return maps
    half, (height, width) = size // 2, maps.shape[-2:]
    sums = F.pad(maps, (half + 1, half)).cumsum(-1)
    rows = sums[..., size:] - sums[..., :width]
    sums = F.pad(rows, (0, 0, half + 1, half)).cumsum(-2)
    return (sums[..., size:, :] - sums[..., :height, :]) / size**2


def inner_mean_filter(maps: Tensor, size: int) -> Tensor:
    """Filter by ``mean_filter`` over each window's part that is inside: no fall at the edges."""
    if size == 1:
        return maps
    near = [torch.arange(side, device=maps.device) for side in maps.shape[-2:]]
    half = size // 2
    rows, columns = ((i + half).clamp(max=len(i) - 1) - (i - half).clamp(min=0) + 1.0 for i in near)
    return mean_filter(maps, size) * (size**2 / torch.outer(rows, columns)).to(maps)
