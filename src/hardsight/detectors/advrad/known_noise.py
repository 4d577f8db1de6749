"""Noise that is saved with the weights of the detector that scores on it."""

from torch import Tensor, nn


class KnownNoise(nn.Module):
    """The noise of one image, the same for every image.

    Args:
        drawn: (1, ...) the noise.
    """

    drawn: Tensor

    def __init__(self, drawn: Tensor) -> None:
        super().__init__()
        self.register_buffer("drawn", drawn)

    def forward(self, images: int) -> Tensor:
        """Return the noise of all images (images, ...), a view."""
        return self.drawn.expand(images, *self.drawn.shape[1:])
