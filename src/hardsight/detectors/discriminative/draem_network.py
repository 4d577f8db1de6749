"""The two networks of DRAEM, one behind the other."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.detectors.unet import UNet


class DRAEMNetwork(nn.Module):
    """Reconstruct an image, then judge each pixel by the image beside its reconstruction.

    Zavrtanik et al. (2021), Figure 3. The reconstructive network has no skip connections, the
    discriminative one has. Both work on images folded by ``patch``, with the pixels of a cell as
    channels.

    Args:
        reconstructive: channels of that network's first level.
        discriminative: channels of that network's first level.
        levels: halvings of the folded image.
        patch: pixels of a cell along a side; 1: images are not folded, as in the paper.
    """

    def __init__(self, reconstructive: int, discriminative: int, levels: int, patch: int) -> None:
        super().__init__()
        cell = patch * patch
        self.patch = patch
        self.reconstructive = UNet(3 * cell, 3 * cell, reconstructive, levels, skips=False)
        self.discriminative = UNet(6 * cell, cell, discriminative, levels)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return reconstructions (B, 3, H, W) and logits (B, 1, H, W) of images in [0, 1]."""
        folded = F.pixel_unshuffle(images, self.patch)
        rebuilt = self.reconstructive(folded)
        logits = self.discriminative(torch.cat([folded, rebuilt.to(folded)], 1))
        return F.pixel_shuffle(rebuilt, self.patch), F.pixel_shuffle(logits, self.patch)
