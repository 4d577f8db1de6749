"""Seeds of what a training step draws on its device, as rows of the batch."""

import torch
from torch import Generator, Tensor


def draw_seeds(size: int, generator: Generator) -> Tensor:
    """Draw seeds (size,), one an image, so that each of several processes gets one of its own."""
    return torch.randint(2**62, (size,), generator=generator)


def generator_of(seeds: Tensor, device: torch.device) -> Generator:
    """Return the generator on a device that the first of some seeds (B,) decides."""
    return Generator(device).manual_seed(int(seeds[0]))
