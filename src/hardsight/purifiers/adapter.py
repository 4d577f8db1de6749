"""RAP's network: a small U-Net from an attacked image to the clean one."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hardsight.diffusion.folded import apply_folded, small_unet


class Adapter(nn.Module):
    """f(x_t, t) of RAP, Equation 7: the clean image, predicted from t steps of an attack.

    The paper says "a U-Net" and no more: all of the arguments' defaults are assumed.

    Args:
        size: side of the images in pixels.
        image_channels: of the images.
        channels: width of the first level.
        multipliers: width of each level over ``channels``; each level halves the grid.
        patch: side of the squares folded into channels first; 2 costs a quarter of 1.
        residual: predict the difference from x_t, not the image itself; untrained it is zero, so
            that training begins with the classifier as it was.
        length: T, the largest t.
    """

    def __init__(
        self,
        size: int = 32,
        image_channels: int = 3,
        channels: int = 64,
        multipliers: Sequence[int] = (1, 2, 2),
        patch: int = 1,
        residual: bool = True,
        length: int = 20,
    ) -> None:
        super().__init__()
        if length < 1:
            raise ValueError(f"length must be at least 1, got {length}")
        self.config: dict[str, Any] = {
            "size": size,
            "image_channels": image_channels,
            "channels": channels,
            "multipliers": list(multipliers),
            "patch": patch,
            "residual": residual,
            "length": length,
        }
        """JSON-able; ``Adapter(**config)`` has the same architecture."""
        self.size, self.patch, self.residual, self.length = size, patch, residual, length
        self.unet = small_unet(size, image_channels, channels, multipliers, patch)
        if residual:
            nn.init.zeros_(self.unet.conv_out.weight)
            nn.init.zeros_(self.unet.conv_out.bias)

    def forward(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Return the predicted clean image.

        Args:
            x_t: (B, C, H, W) in [-1, 1].
            t: steps of the attack, a number or (B,).
        """
        step = torch.as_tensor(t, device=x_t.device).expand(len(x_t))
        found = apply_folded(self.unet, x_t, step, self.patch)
        return x_t + found if self.residual else found
