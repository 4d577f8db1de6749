"""The autoencoder that finds logical anomalies: descriptions through a narrow code."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.detectors.distillation.patch_description import MARGIN, ImageNetStandardised


class DescriptionAutoencoder(nn.Module):
    """Predict descriptions of patches from one code an image (EfficientAD, table 7).

    Args:
        channels: of a description.
        image_size: height and width in pixels, a multiple of 32.
        width: channels of the code; half as many in the first layers.
        dropout: in the decoder.

    Shape:
        (B, 3, H, W) in [0, 1] -> (B, channels, H / 4 - 8, W / 4 - 8).
    """

    def __init__(
        self, channels: int, image_size: int, width: int = 64, dropout: float = 0.2
    ) -> None:
        super().__init__()
        widths = (3, width // 2, width // 2, width, width, width)
        self.encoder = nn.Sequential(ImageNetStandardised())
        for given, made in pairwise(widths):
            self.encoder.extend([nn.Conv2d(given, made, 4, 2, padding=1), nn.ReLU()])
        self.encoder.append(nn.Conv2d(width, width, image_size // 32))
        less = ((64, 1), (32, 0), (16, 1), (8, 0), (4, 1), (2, 1))
        self.sides = [max(1, image_size // part - one) for part, one in less]
        self.side = image_size // 4 - 2 * MARGIN
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 4, padding=2), nn.ReLU(), nn.Dropout(dropout))
            for _ in self.sides
        )
        self.last = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, channels, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the predicted descriptions of a batch."""
        x = self.encoder(images)
        for side, layer in zip(self.sides, self.layers, strict=True):
            x = layer(_enlarged(x, side))
        found: Tensor = self.last(_enlarged(x, self.side))
        return found


def _enlarged(x: Tensor, side: int) -> Tensor:
    return F.interpolate(x, (side, side), mode="bilinear", align_corners=False)
