"""Another pose: the part shifted, turned, nearer, or seen at an angle."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.attacks.threats.threat import Threat, axes, signed


@dataclass(frozen=True)
class Pose(Threat):
    """Shift, turn, scale and tilt the image; what was outside repeats the border.

    ``eps`` is a share of the image's side: each of the six parameters alone moves the middles of
    the sides by at most so much, a tilt the nearer of two by up to ``eps / (1 - 2 eps)``.

    Raises:
        ValueError: an eps of a quarter or more: both tilts would turn a corner to the horizon.
    """

    name: ClassVar[str] = "pose"
    default: ClassVar[float] = 0.02
    severity: ClassVar[str] = (
        "how far each movement alone takes the middles of the image's sides, as a share of a side"
    )
    moves: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eps >= 0.25:
            raise ValueError(f"eps of pose must be below 0.25, got {self.eps}; 0.02 is usual")

    def shape(self, images: Tensor) -> tuple[int, int, int]:
        """Return two shifts, angle, scale, and two tilts."""
        return 6, 1, 1

    def apply(
        self, images: Tensor, parameters: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return images in that pose, read bilinearly."""
        c = 2 * self.eps * signed(parameters.flatten(1))  # the side is 2 long here
        right, lower, angle, scale, tilt_x, tilt_y = (v.view(-1, 1, 1) for v in c.unbind(1))
        y, x = axes(images)
        depth = 1 + tilt_x * x + tilt_y * y
        zoom = 1 + scale
        u = (zoom * (angle.cos() * x - angle.sin() * y) + right) / depth
        v = (zoom * (angle.sin() * x + angle.cos() * y) + lower) / depth
        grid = torch.stack((u, v), -1)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
