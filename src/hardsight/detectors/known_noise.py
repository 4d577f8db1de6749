"""Noise that is drawn once, and saved with the weights of the detector that scores on it."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn


class KnownNoise(nn.Module):
    """The same standard normal noise for every image.

    Args:
        side: height and width of the images in pixels.
        seed: of the noise.
    """

    drawn: Tensor
    """(1, *shape, 3, side, side), or nothing yet."""

    def __init__(self, side: int, seed: int) -> None:
        super().__init__()
        self.side, self.seed = side, seed
        self.register_buffer("drawn", torch.empty(0))

    def draw(self, shape: Sequence[int]) -> None:
        """Draw noise of a shape, e.g. (draws,), unless there is noise of that shape."""
        whole = (1, *shape, 3, self.side, self.side)
        if self.drawn.shape != whole:
            generator = Generator().manual_seed(self.seed)
            self.drawn = torch.randn(whole, generator=generator).to(self.drawn.device)

    def forward(self, images: int) -> Tensor:
        """(images, *shape, 3, side, side), a view."""
        return self.drawn.expand(images, *self.drawn.shape[1:])
