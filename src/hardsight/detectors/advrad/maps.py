"""Functions from an image and its reconstruction to a map and a score (FreeRAD, Algorithm 4)."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

SCALES = (1, 2, 4, 8)
"""Downsampling factors of FreeRAD's ``L = {1, 1/2, 1/4, 1/8}``."""

QUIETEST = 1e-20
"""What a deviation is divided by at the least."""

Average = Literal["error", "reconstruction"]
"""What the noise draws average: the error maps, or the reconstruction before its error."""

Reference = Literal["error", "deviation", "standardised"]
"""What a pixel's error is compared with; see ``relate``."""


def multiscale_error(
    x: Tensor, r: Tensor, scales: Sequence[int] = SCALES, margin: float = 0.0
) -> Tensor:
    """Average squared differences over scales (FreeRAD, Algorithm 4, lines 1-6, unfiltered).

    Down by area averaging, up bilinearly. Both are linear, so the difference is taken once.

    With a margin m a difference d counts d^2 * d^2 / (d^2 + m^2): next to nothing well below m, and
    nearly d^2 - m^2 well above. What an attacker can add everywhere is small everywhere, and
    filters and means add it up; a defect is large somewhere. Smooth, so that no gradient vanishes.

    Args:
        margin: in units of ``x``; 0 gives the plain square of the paper.

    Shape:
        x, r: (B, C, H, W) -> (B, 1, H, W). H and W must be divisible by every scale.
    """
    difference = x - r
    size = difference.shape[-2:]
    if any(side % s for side in size for s in scales):
        raise ValueError(
            f"image size {tuple(size)} must be divisible by the scales {tuple(scales)}"
        )
    total = torch.zeros_like(difference[:, :1])
    for s in scales:
        smaller = difference if s == 1 else F.avg_pool2d(difference, s)
        squared = smaller.square()
        if margin:
            squared = squared.square() / (squared + margin**2)
        error = squared.mean(1, keepdim=True)
        if s > 1:
            error = F.interpolate(error, size=size, mode="bilinear", align_corners=False)
        total = total + error
    return total / len(scales)


def error_over_draws(images: Tensor, r: Tensor, average: Average, margin: float) -> Tensor:
    """Return the multi-scale error of reconstructions, averaged over their draws as told.

    Shape:
        images (B, C, H, W), r (B, draws, C, H, W) -> (B, 1, H, W).
    """
    if average == "reconstruction" or r.shape[1] == 1:
        return multiscale_error(images, r.mean(1), SCALES, margin)
    x = images.repeat_interleave(r.shape[1], dim=0)
    error = multiscale_error(x, r.flatten(0, 1), SCALES, margin)
    return error.view(*r.shape[:2], *error.shape[2:]).mean(1, keepdim=True)


def relate(maps: Tensor, mean: Tensor, spread: Tensor, reference: Reference) -> Tensor:
    """Compare filtered error maps with those of normal training images.

    ``error``: as they are. ``deviation``: ``|Err - mean|`` (Algorithm 4, line 7).
    ``standardised``: ``|Err - mean| / (spread + 0.3 average spread)``, so that a pixel where normal
    images vary weighs less; the second term keeps quiet pixels from dividing by nothing. Where
    normal images are copies of one, and their noise is known, ``QUIETEST`` does.

    Shape:
        maps: (B, 1, H, W); mean, spread: (1, 1, H, W) -> (B, 1, H, W).
    """
    if reference == "error":
        return maps
    deviation = (maps - mean).abs()
    if reference == "deviation":
        return deviation
    if reference == "standardised":
        return deviation / (spread + 0.3 * spread.mean()).clamp_min(QUIETEST)
    raise ValueError(
        f"reference={reference!r} is not known; choose from {', '.join(get_args(Reference))}"
    )


def top_count(aggregation: str, pixels: int) -> int:
    """Return how many of the map's largest pixels the score averages.

    ``"max"``: one (the paper). ``"top:0.01"``: the largest 1 %. ``"mean"``: all.

    Raises:
        ValueError: another word, or a fraction outside (0, 1].
    """
    if aggregation == "max":
        return 1
    if aggregation == "mean":
        return pixels
    kind, _, number = aggregation.partition(":")
    try:
        fraction = float(number)
    except ValueError:
        fraction = math.nan
    if kind != "top" or not 0 < fraction <= 1:
        raise ValueError(
            f"aggregation={aggregation!r} is not known; "
            'choose "max", "mean" or "top:F" with a fraction F of the pixels in (0, 1]'
        )
    return max(1, round(fraction * pixels))


def aggregate(maps: Tensor, aggregation: str) -> Tensor:
    """Average the largest pixels of (B, 1, H, W) to (B,); see ``top_count``."""
    flat = maps.flatten(1)
    n = top_count(aggregation, flat.shape[1])
    if n == 1:
        return flat.amax(1)
    if n == flat.shape[1]:
        return flat.mean(1)
    return flat.topk(n, dim=1, sorted=False).values.mean(1)
