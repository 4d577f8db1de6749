"""Features of several scales as one vector a patch."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def demand_pool(pool: int) -> int:
    """Return the side of a neighbourhood in patches.

    Raises:
        ValueError: it is even or below 1.
    """
    if pool < 1 or pool % 2 == 0:
        raise ValueError(f"pool must be odd and positive, got {pool}; 1 averages nothing")
    return pool


def local_mean(level: Tensor, size: int) -> Tensor:
    """Return the mean over ``size`` x ``size`` neighbours, zeros beyond (PatchCore, eq. 2).

    Shape:
        (B, C, h, w) -> the same; size odd.

    Raises:
        ValueError: an even size, or one below 1.
    """
    return (
        level if demand_pool(size) == 1 else F.avg_pool2d(level, size, stride=1, padding=size // 2)
    )


def patch_features(levels: Sequence[Tensor], side: int | None = None, pool: int = 3) -> Tensor:
    """Return features of several scales on one grid, each averaged over its neighbours first.

    Args:
        levels: (B, C_i, h_i, w_i) each, fine to coarse.
        side: of the grid; None: that of the first level. Coarser levels are enlarged bilinearly.
        pool: neighbours averaged, see ``local_mean``.

    Returns:
        (B, sum of C_i, side, side).
    """
    size = levels[0].shape[-2:] if side is None else (side, side)
    return torch.cat([_fitted(local_mean(level, pool), size) for level in levels], dim=1)


def _fitted(level: Tensor, size: Sequence[int]) -> Tensor:
    if level.shape[-2:] == tuple(size):
        return level
    return F.interpolate(level, tuple(size), mode="bilinear", align_corners=False)
