"""Another light: brightness, contrast, colour, and light from one side."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hardsight.attacks.threats.threat import Threat, axes, signed
from hardsight.core.batches import per_image
from hardsight.synthesis.recolouring import turn_hue


@dataclass(frozen=True)
class Light(Threat):
    """Change brightness, contrast, white balance and hue, and light the image from one side.

    ``eps`` is the largest relative change: of 0.2, a factor of 0.8 to 1.2 for all channels
    together, the same for the contrast about the mean, half of it for red and for blue alone, a
    turn of the hue by up to ``eps`` times a quarter turn, and a slope of light that makes either
    side, and the top and the bottom, up to 20 % lighter or darker than the middle. What has not
    three channels has no colours to change.
    """

    name: ClassVar[str] = "light"
    default: ClassVar[float] = 0.2
    severity: ClassVar[str] = (
        "the largest relative change of brightness and of contrast; 0.2: a factor of 0.8 to 1.2"
    )

    def shape(self, images: Tensor) -> tuple[int, int, int]:
        """Return brightness, contrast, red, blue, hue, and two slopes."""
        return 7, 1, 1

    def apply(
        self, images: Tensor, parameters: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return images in that light."""
        c = self.eps * signed(parameters.flatten(1))
        brightness, contrast, red, blue, hue, across, down = c.unbind(1)
        x = images
        if x.shape[1] == 3:
            gains = torch.stack((1 + red / 2, torch.ones_like(red), 1 + blue / 2), 1)
            x = turn_hue(x, hue * math.pi / 2) * gains[..., None, None]
        mean = x.mean((1, 2, 3), keepdim=True)
        x = mean + (x - mean) * per_image(1 + contrast, x)
        rows, columns = axes(x)
        slope = 1 + per_image(down, x) * rows + per_image(across, x) * columns
        return (x * per_image(1 + brightness, x) * slope).clamp(0, 1)
