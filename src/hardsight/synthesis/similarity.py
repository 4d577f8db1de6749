"""How alike two images look."""

import torch
from torch import Tensor

from hardsight.synthesis.blur import gaussian_blur

_REACH = 5
"""Pixels of SSIM's Gaussian window on either side."""
_C1, _C2 = 0.01**2, 0.03**2


def ssim(x: Tensor, y: Tensor, sigma: float = 1.5) -> Tensor:
    """Return the mean structural similarity (B,) of images in [0, 1] (Wang et al., 2004, Eq. 13).

    A Gaussian window of 11 x 11 pixels; pixels whose window is not all inside do not count.

    Shape:
        x, y (B, C, H, W), at least 11 pixels a side.

    Raises:
        ValueError: smaller images, which hold no window.
    """
    if min(x.shape[-2:]) <= 2 * _REACH:
        height, width = x.shape[-2:]
        raise ValueError(
            f"images must be at least {2 * _REACH + 1} pixels a side for their structural "
            f"similarity, got {height} x {width}; enlarge them"
        )
    moments = torch.cat((x, y, x * x, y * y, x * y), 1)
    inner = gaussian_blur(moments, sigma, _REACH)[..., _REACH:-_REACH, _REACH:-_REACH]
    mx, my, xx, yy, xy = inner.chunk(5, 1)
    structure = (2 * (xy - mx * my) + _C2) / (xx - mx * mx + yy - my * my + _C2)
    return ((2 * mx * my + _C1) / (mx * mx + my * my + _C1) * structure).flatten(1).mean(1)
