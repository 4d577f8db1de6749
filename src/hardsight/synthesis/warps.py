"""Geometric distortions of a batch, one strength an image: elastic, swirl and blur."""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hardsight.synthesis.blur import gaussian_blur

_REACH = 9
"""Pixels of a Gaussian's kernel on either side, three times the largest sigma."""


def draw(generator: Generator, *shape: int, like: Tensor) -> Tensor:
    """Draw uniform numbers in [0, 1) of a shape, where and as ``like`` is."""
    return torch.rand(shape, generator=generator, device=generator.device).to(like)


def pixel_axes(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return pixel coordinates (H, 1) and (1, W) with the origin in the middle of (..., H, W)."""
    height, width = x.shape[-2:]
    y = torch.arange(height, device=x.device, dtype=x.dtype) - (height - 1) / 2
    x_ = torch.arange(width, device=x.device, dtype=x.dtype) - (width - 1) / 2
    return y[:, None], x_[None]


def sample_at(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Read (B, C, H, W) at pixel coordinates (B, h, w) from its middle; the border is repeated."""
    height, width = x.shape[-2:]
    grid = torch.stack((columns * (2 / width), rows * (2 / height)), -1)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def elastic(x: Tensor, extent: Tensor, alpha: Tensor, generator: Generator) -> Tensor:
    """Shift every pixel by smooth noise (Simard et al., 2003), ``alpha`` as torchvision counts it.

    Uniform noise in [-1, 1], smoothed by a Gaussian of 3 pixels, times alpha / 2 pixels.
    torchvision's (v2) has one displacement for a batch; image by image it takes 6 to 15 times as
    long.

    Shape:
        x (B, C, H, W), alpha (B,) -> (B, C, H, W).
    """
    noise = 2 * draw(generator, len(x), 2, *x.shape[-2:], like=x) - 1
    shift = gaussian_blur(noise, 3.0, _REACH) * (alpha / 2)[:, None, None, None]
    rows, columns = pixel_axes(x)
    return sample_at(x, rows + shift[:, 0], columns + shift[:, 1])


def swirl(x: Tensor, extent: Tensor, strength: Tensor, generator: Generator) -> Tensor:
    """Turn each pixel round the middle, by ``strength`` radians there and ever less outwards.

    The angle at distance rho is strength exp(-5 rho / (ln 2 radius)), as in scikit-image; the
    radius is the longer side of the patch, the direction random. scikit-image's works on one image
    at a time, on the CPU; torchvision has none.

    Shape:
        x (B, C, H, W), extent (B, 2) in pixels, strength (B,) -> (B, C, H, W).
    """
    sign = torch.where(draw(generator, len(x), like=x) < 0.5, -1.0, 1.0)
    radius = (extent.amax(1) * (math.log(2) / 5)).view(-1, 1, 1)
    rows, columns = pixel_axes(x)
    angle = (sign * strength).view(-1, 1, 1) * torch.exp(-torch.hypot(rows, columns) / radius)
    c, s = angle.cos(), angle.sin()
    return sample_at(x, rows * c + columns * s, columns * c - rows * s)


def blur(x: Tensor, extent: Tensor, sigma: Tensor, generator: Generator) -> Tensor:
    """Blur by a Gaussian of ``sigma`` pixels, at most 3; the border is repeated.

    Shape:
        x (B, C, H, W), sigma (B,) -> (B, C, H, W).
    """
    return gaussian_blur(x, sigma, _REACH)
