"""The pose of the object in an image, by moments of its foreground, and images brought into one."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.synthesis.foreground import ring

CONTRAST = 0.1
"""Root mean squared distance of a pixel from the background's colour, in [0, 1], from which it
counts as foreground."""
_FLAT = 1e-12
"""Anisotropy below which an image has no direction: there is nothing, or it is round."""


class Pose(NamedTuple):
    """Where an object lies and which way it points."""

    centre: Tensor
    """(B, 2) x and y of its middle, on an image that reaches from -1 to 1."""
    angle: Tensor
    """(B,) of its long axis, in radians from x towards y; it points to the longer tail."""


def pose_of(images: Tensor, contrast: float = CONTRAST) -> Pose:
    """Estimate poses by moments of the foreground (Hu, 1962), differentiably.

    A pixel weighs as much as its squared distance from the background's colour, the median of a
    thin ring along the border, exceeds ``contrast`` squared. The axis comes from the second
    moments, its direction from the sign of the third along it. The middle is the centroid, moved
    along the axis by the third moment over the second: a heavy end would else push the other one
    out of the image. The estimate is smooth in the images but for the direction, where that sign
    changes, and for an object without a long axis, which points to the right.

    Args:
        images: (B, C, H, H) in [0, 1].
        contrast: see ``CONTRAST``.
    """
    weight = _weight(images, contrast)
    y, x = _axes(images)
    total = weight.sum((1, 2)) + _FLAT
    centre = torch.stack([(weight * axis).sum((1, 2)) / total for axis in (x, y)], dim=1)
    x, y = x - centre[:, 0, None, None], y - centre[:, 1, None, None]
    across = (weight * x * y).sum((1, 2)) / total * 2
    along = (weight * (x * x - y * y)).sum((1, 2)) / total
    flat = across.square() + along.square() < _FLAT
    across, along = torch.where(flat, 0, across), torch.where(flat, 1, along)
    angle = torch.atan2(across, along) / 2
    cosine, sine = (v[:, None, None] for v in (angle.cos(), angle.sin()))
    place = cosine * x + sine * y
    spread, tail = ((weight * place**n).sum((1, 2)) / total for n in (2, 3))
    move = (tail / spread.clamp_min(_FLAT))[:, None] * torch.stack((angle.cos(), angle.sin()), 1)
    return Pose(centre + move, angle + math.pi * (tail < -_FLAT))


def brought(images: Tensor, pose: Pose) -> Tensor:
    """Return images (B, C, H, H) with their objects in the middle, pointing right; bilinear."""
    return _resampled(images, _turn(pose.angle), pose.centre)


def returned(maps: Tensor, pose: Pose) -> Tensor:
    """Return maps (B, C, H, H) of images that were ``brought`` as maps of the images before."""
    back = _turn(pose.angle).mT
    return _resampled(maps, back, -(back @ pose.centre[:, :, None])[:, :, 0])


def _turn(angle: Tensor) -> Tensor:
    """Return matrices (B, 2, 2) that turn by angles (B,)."""
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack((cosine, -sine, sine, cosine), dim=1).view(-1, 2, 2)


def _resampled(images: Tensor, turn: Tensor, shift: Tensor) -> Tensor:
    """Read images at ``turn @ place + shift``; what lies outside repeats the border."""
    affine = torch.cat((turn, shift[:, :, None]), dim=2)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _weight(images: Tensor, contrast: float) -> Tensor:
    """Return the weights of pixels (B, H, W)."""
    around = images[:, :, ring(images.shape[-2:])].median(dim=2).values[:, :, None, None]
    return ((images - around).square().mean(1) - contrast**2).relu()


def _axes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return y (H, 1) and x (W,) of pixel centres, from -1 to 1."""
    y, x = (
        (torch.arange(n, dtype=images.dtype, device=images.device) + 0.5) * 2 / n - 1
        for n in images.shape[-2:]
    )
    return y[:, None], x
