"""Random squares of pictures."""

import torch
from torch import Generator, Tensor


def cropped(
    index: Tensor, side: int | None, generator: Generator, *pictures: Tensor
) -> tuple[Tensor, ...]:
    """Take some pictures, and of each a random square.

    The square's middle is uniform over the picture, and the square moved in where it would reach
    over the edge: else the border would hardly ever be seen.

    Args:
        index: (B,) which pictures.
        side: of the square in pixels; None takes whole pictures, and draws nothing.
        generator: of the places.
        pictures: (N, C, H, W) each; the same squares are taken of all of them.

    Returns:
        (B, C, side, side) each.

    Raises:
        ValueError: a square larger than the pictures.
    """
    if side is None:
        return tuple(p[index] for p in pictures)
    height, width = pictures[0].shape[-2:]
    if not 1 <= side <= min(height, width):
        raise ValueError(f"side={side} must be between 1 and the pictures' {height} x {width}")
    middles = torch.rand(len(index), 2, generator=generator) * torch.tensor([height, width])
    limits = torch.tensor([height - side, width - side])
    corners = (middles - side / 2).round().long().clamp_min(0).minimum(limits).tolist()
    places = list(zip(index.tolist(), corners, strict=True))
    return tuple(
        torch.stack([p[i, :, y : y + side, x : x + side] for i, (y, x) in places]) for p in pictures
    )
