"""Maps of patches as maps of pixels."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def enlargement(
    side: int, image_size: int, sigma: float, radius: int, align_corners: bool = False
) -> Tensor:
    """Return what bilinear enlargement and a Gaussian make of a line of patches.

    Both act on rows and columns apart, so that the map is ``m @ patches @ m.T``. The border is
    mirrored.

    Args:
        side: patches in a line.
        image_size: pixels in a line.
        sigma: of the Gaussian, in pixels; 0: none.
        radius: where the Gaussian is cut off, in pixels; 0: none.
        align_corners: see ``torch.nn.functional.interpolate``.

    Returns:
        (image_size, side).

    Raises:
        ValueError: a sigma below 0, or a radius as large as the image.
    """
    demand_sigma(sigma)
    if radius >= image_size:
        raise ValueError(f"radius must be below the {image_size} pixels, got {radius}")
    rows = torch.eye(side).view(1, 1, side, side)
    size = (image_size, side)
    found = F.interpolate(rows, size, mode="bilinear", align_corners=align_corners)[0, 0]
    if sigma == 0 or radius == 0:
        return found
    near = torch.arange(-radius, radius + 1.0)
    kernel = torch.exp(-0.5 * (near / sigma) ** 2)
    padded = F.pad(found.T[:, None], (radius, radius), mode="reflect")
    smooth = F.conv1d(padded, (kernel / kernel.sum()).view(1, 1, -1))
    return smooth[:, 0].T.contiguous()


def demand_sigma(sigma: float) -> float:
    """Return the standard deviation of a Gaussian in pixels.

    Raises:
        ValueError: it is below 0 or not finite.
    """
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma must be finite and >= 0, got {sigma}; 0 does not smooth the map")
    return sigma


class Enlargement(nn.Module):
    """Enlarge maps (B, 1, side, side) to (B, 1, image_size, image_size), and smooth them.

    Args:
        side, image_size, sigma, radius, align_corners: see ``enlargement``; a radius of None is
            3 sigma.
    """

    matrix: Tensor

    def __init__(
        self,
        side: int,
        image_size: int,
        sigma: float = 4.0,
        radius: int | None = None,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        cut = min(round(3 * demand_sigma(sigma)), image_size - 1) if radius is None else radius
        matrix = enlargement(side, image_size, sigma, cut, align_corners)
        self.register_buffer("matrix", matrix, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the map of pixels, differentiably."""
        m = self.matrix.to(maps.dtype)
        return m @ maps @ m.T
