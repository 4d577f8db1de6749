"""Frequency bands of an image, by Gaussian and Laplacian pyramids (Burt & Adelson, 1983)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

_TAPS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""Weights of the binomial low-pass along a row or column."""


def frequency_bands(images: Tensor, count: int) -> list[Tensor]:
    """Return bands (B, C, H, W) of images (B, C, H, W), high to low, whose sum the images are.

    A band is what one low-pass keeps and the next does not; the last is what all keep.

    Args:
        count: bands; each beyond the first halves the grid once more on the way.

    Raises:
        ValueError: see ``demand_bands``.
    """
    demand_bands(count, images.shape[-2:])
    kept = [images]
    small = images
    for level in range(1, count):
        small = halve(small)
        large = small
        for _ in range(level):
            large = double(large)
        kept.append(large)
    return [high - low for high, low in pairwise(kept)] + kept[-1:]


def demand_bands(count: int, size: Sequence[int]) -> None:
    """Refuse bands that images of a size in pixels do not have.

    Raises:
        ValueError: fewer than one, or images that cannot be halved so often: the low-pass mirrors
            two pixels at the border, of three at least.
    """
    cell = 2 ** (count - 1) if count > 0 else 0
    if count < 1 or any(side % cell or (count > 1 and side < 2 * cell) for side in size):
        height, width = size
        raise ValueError(
            "need bands >= 1 and sides that are multiples of 2 ** (bands - 1), of more than one "
            f"band twice that at least, got {count} bands of {height} x {width} pixels"
        )


def halve(images: Tensor) -> Tensor:
    """Return the next level (B, C, H / 2, W / 2) of the Gaussian pyramid; the border mirrors."""
    padded = F.pad(images, (2, 2, 2, 2), mode="reflect")
    return F.conv2d(padded, _kernel(images), stride=2, groups=images.shape[1])


def double(images: Tensor) -> Tensor:
    """Return images (B, C, H, W) between whose pixels the low-pass fills in, (B, C, 2H, 2W)."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    spread = F.conv_transpose2d(padded, 4 * _kernel(images), stride=2, groups=images.shape[1])
    height, width = images.shape[-2:]
    return spread[..., 4 : 4 + 2 * height, 4 : 4 + 2 * width]


def _kernel(images: Tensor) -> Tensor:
    """Return the low-pass (C, 1, 5, 5) for images of C channels."""
    taps = torch.tensor(_TAPS, dtype=images.dtype, device=images.device)
    return torch.outer(taps, taps).expand(images.shape[1], 1, 5, 5)
