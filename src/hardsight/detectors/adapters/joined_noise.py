"""The noise of several parts of a detector, side by side in one tensor."""

from collections.abc import Sequence

import torch
from torch import Generator, Size, Tensor

from hardsight.core.capabilities import Random


def noise_shape(part: Random, size: tuple[int, int], device: torch.device) -> Size | None:
    """Return the shape of a part's noise for one image; None where it takes none.

    Args:
        part: a detector or a purifier.
        size: (height, width) of its images in pixels.
        device: where it computes.

    Raises:
        TypeError: its noise is not of floats.
    """
    blank = torch.zeros(1, 3, *size, device=device)
    noise = part.sample_noise(blank, Generator(device).manual_seed(0))
    if noise is None:
        return None
    if not noise.is_floating_point():
        raise TypeError(
            f"{type(part).__name__} takes noise of {noise.dtype}, which cannot stand beside other "
            "noise in one tensor; take it as it is, or give it noise of floats"
        )
    return noise.shape[1:]


def join(*noises: Tensor | None) -> Tensor | None:
    """Return the noises (B, ...) of parts in one tensor (B, L); None where no part takes any."""
    given = [noise.flatten(1) for noise in noises if noise is not None]
    return torch.cat(given, dim=1) if given else None


def split(noise: Tensor | None, shapes: Sequence[Size | None]) -> list[Tensor | None]:
    """Return what ``join`` put together.

    Args:
        noise: (B, L).
        shapes: of each part's noise for one image; None where it takes none.
    """
    if noise is None:
        return [None for _ in shapes]
    lengths = [0 if shape is None else shape.numel() for shape in shapes]
    return [
        None if shape is None else part.reshape(-1, *shape)
        for part, shape in zip(torch.split(noise, lengths, dim=1), shapes, strict=True)
    ]
