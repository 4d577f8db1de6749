"""Noise that is drawn once, and saved with the weights of the detector that scores on it."""

import torch
from torch import Generator, Tensor, nn


class KnownNoise(nn.Module):
    """The same standard normal noise for every image.

    Args:
        side: height and width of the images in pixels.
        seed: of the noise.
    """

    drawn: Tensor
    """(1, draws, [shots,] 3, side, side), or nothing yet."""

    def __init__(self, side: int, seed: int) -> None:
        super().__init__()
        self.side, self.seed = side, seed
        self.register_buffer("drawn", torch.empty(0))

    def draw(self, draws: int, shots: int) -> None:
        """Draw noise for so many draws and shots, unless there is noise of that shape."""
        shape = (1, *drawn(draws, shots), 3, self.side, self.side)
        if self.drawn.shape != shape:
            generator = Generator().manual_seed(self.seed)
            self.drawn = torch.randn(shape, generator=generator).to(self.drawn.device)

    def forward(self, images: int) -> Tensor:
        """(images, draws, [shots,] 3, side, side), a view."""
        return self.drawn.expand(images, *self.drawn.shape[1:])


def drawn(draws: int, shots: int) -> tuple[int, ...]:
    """(draws, shots), or (draws,) for a single shot: the axes that noise has beside an image's."""
    return (draws, shots) if shots > 1 else (draws,)
