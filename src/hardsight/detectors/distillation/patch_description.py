"""The patch description network: features of patches in four convolutions."""

import torch
from torch import Tensor, nn

from hardsight.backbones.weights import IMAGENET_MEAN, IMAGENET_STD


class ImageNetStandardised(nn.Module):
    """Take ImageNet's mean and standard deviation off images in [0, 1]."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, values in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, 3, H, W) of mean about 0 and spread about 1."""
        return (images - self.mean) / self.std


class PatchDescription(nn.Sequential):
    """Describe patches of 33 x 33 pixels, four apart (EfficientAD, Batzner et al., 2024, table 6).

    Nothing is padded: no patch reaches over the border.

    Args:
        channels: of a description.
        width: channels of the first layer, twice as many inside; 128 is the paper's small network.

    Shape:
        (B, 3, H, W) in [0, 1] -> (B, channels, H / 4 - 8, W / 4 - 8).
    """

    def __init__(self, channels: int, width: int = 128) -> None:
        super().__init__(
            ImageNetStandardised(),
            nn.Conv2d(3, width, 4),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(width, 2 * width, 4),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(2 * width, 2 * width, 3),
            nn.ReLU(),
            nn.Conv2d(2 * width, channels, 4),
        )


MARGIN = 4
"""Patches that the grid lacks at each border, of one patch every four pixels."""
