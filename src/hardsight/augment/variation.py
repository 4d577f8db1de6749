"""Small shifts and changes of light that normal images show themselves."""

import torch
from torch import Generator, Tensor

from hardsight.augment.symmetry import COMPARED, NearestNeighbourDistance, thumbnails
from hardsight.core.batches import per_image, spread

SHIFTS = (1 / 64, 1 / 32, 1 / 16)
"""Shares of the side by which images are tried to be shifted."""


def shown_shift(images: Tensor, tolerance: float = 0.1, side: int = 32) -> int:
    """Return by how many pixels images may be shifted and still look like other normal images.

    As in ``symmetries``, on images whose brightness and contrast were made equal, so
    that lamps which flicker do not excuse a part that would have to move: the largest of ``SHIFTS``
    along both diagonals whose ``NearestNeighbourDistance`` is at most ``tolerance``. A part in a
    jig has 0, a texture without beginning or end the largest.

    Args:
        images: (N, C, H, W) uint8 or float; 0 for fewer than 3.
        tolerance: in [0, 1]; larger admits more. A third of that of turns, for an image may be
            shifted, relit and turned at once.
        side: resolution of the comparison.
    """
    if len(images) < 3:
        return 0
    images = spread(images, COMPARED)
    distance = NearestNeighbourDistance(_even(thumbnails(images, side)))
    found = 0
    for share in SHIFTS:
        pixels = max(1, round(share * images.shape[-1]))
        for way in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            moves = torch.tensor([way]).expand(len(images), 2) * pixels
            if distance.of(_even(thumbnails(shifted(images, moves), side))) > tolerance:
                return found
        found = pixels
    return found


def shifted(x: Tensor, moves: Tensor) -> Tensor:
    """Move each image of (B, C, H, W) by whole pixels (B, 2), down and right; edges are repeated.

    Nothing is interpolated: a denoiser would learn the blur.
    """
    height, width = x.shape[-2:]
    rows = (torch.arange(height) - moves[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width) - moves[:, 1:]).clamp(0, width - 1)
    places = zip(x, rows, columns, strict=True)
    return torch.stack([image[:, r][:, :, c] for image, r, c in places])


def light(images: Tensor) -> Tensor:
    """Return brightness and contrast (N, 2), mean and standard deviation, of (N, C, H, W) uint8."""
    return torch.stack([torch.stack((i.mean(), i.std())) for i in (i.float() for i in images)])


def relit(x: Tensor, own: Tensor, other: Tensor, generator: Generator) -> Tensor:
    """Give each image a brightness and a contrast between its own and another normal image's.

    Both go the same random part of the way, along a straight line: no image gets a light outside
    of what the normal images show, and where they differ by exposure alone, so do their copies.

    Args:
        x: (B, C, H, W) uint8, images or parts of them.
        own: (B, 2) from ``light``, of the whole images.
        other: (B, 2) the same of the others.
        generator: of the part of the way.
    """
    values = x.float()
    part = torch.rand(len(x), 1, generator=generator)
    mean, spread = own.lerp(other, part).unbind(1)
    scale = per_image(spread / own[:, 1].clamp_min(1.0), values)
    found = per_image(mean, values) + (values - per_image(own[:, 0], values)) * scale
    return found.round().clamp(0, 255).byte()


def _even(small: Tensor) -> Tensor:
    """Return images of mean 0 and standard deviation 1; one that is quite even stays even."""
    flat = small.flatten(1)
    spread = flat.std(1).clamp_min(1e-6)
    return (small - per_image(flat.mean(1), small)) / per_image(spread, small)
