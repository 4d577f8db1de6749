"""Convolutional networks in place of the ViT, for the comparison (PatchGuard, section C.4)."""

from torch import Tensor

from hardsight.detectors.patchguard.patch_network import PatchNetwork
from hardsight.detectors.unet import UNet


class PatchResNet(PatchNetwork):
    """A ResNet that judges every patch by itself, cut out by hand.

    Args:
        size: side of the images in pixels.
        architecture: any of timm's convolutional networks.
        cell: side of a patch in pixels; divides ``size``.
    """

    def __init__(self, size: int, architecture: str = "resnet50", cell: int = 14) -> None:
        import timm  # slow: not before a network is built

        super().__init__()
        if size % cell:
            raise ValueError(f"image_size={size} is not a multiple of the patch, {cell}")
        self.cell, self.side = cell, size // cell
        self.network = timm.create_model(architecture, pretrained=False, num_classes=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, 1, side, side) of normalised (B, 3, size, size)."""
        b, c, n, p = *x.shape[:2], self.side, self.cell
        cells = x.view(b, c, n, p, n, p).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, p, p)
        logits: Tensor = self.network(cells)
        return logits.view(len(x), 1, self.side, self.side)


class PatchUNet(UNet, PatchNetwork):
    """A U-Net that judges every pixel.

    Args:
        size: side of the images in pixels, a multiple of ``2**levels``.
        channels, levels: see ``UNet``.
    """

    cell = 1

    def __init__(self, size: int, channels: int = 32, levels: int = 4) -> None:
        if size % 2**levels:
            raise ValueError(f"image_size={size} is not a multiple of {2**levels}")
        super().__init__(3, 1, channels, levels)
        self.side = size
