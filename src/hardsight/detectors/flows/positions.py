"""Where a patch lies, as a vector."""

import math

import torch
from torch import Tensor


def positional_encoding(channels: int, side: int) -> Tensor:
    """Return sines and cosines of the column and then of the row of each place (CFlow, sec. 3.3).

    Args:
        channels: a multiple of 4.
        side: of the grid.

    Returns:
        (1, channels, side, side).

    Raises:
        ValueError: channels that cannot be shared among the four.
    """
    if channels < 4 or channels % 4:
        raise ValueError(f"condition must be a positive multiple of 4, got {channels}")
    half = channels // 2
    rates = torch.exp(torch.arange(0, half, 2) * (-math.log(1e4) / half))
    angles = rates[:, None] * torch.arange(side)
    waves = torch.stack((angles.sin(), angles.cos()), 1).flatten(0, 1)
    columns = waves[:, None, :].expand(half, side, side)
    return torch.cat((columns, columns.mT))[None]
