"""The patch descriptor of CFA: features adapted to the normal images of one target."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.core.modules import seeded


class Descriptor(nn.Module):
    """Map the vectors of patches linearly, with their place (CoordConv, as CFA has it).

    Args:
        side: of the grid of patches.
        dims: of the vectors.
        adapted: of what comes out.
        seed: of the first weights.
    """

    places: Tensor

    def __init__(self, side: int, dims: int, adapted: int, seed: int = 0) -> None:
        super().__init__()
        line = torch.linspace(-1, 1, side)
        y, x = torch.meshgrid(line, line, indexing="ij")
        places = torch.stack([x, y], 2).flatten(0, 1)
        self.register_buffer("places", places, persistent=False)
        with seeded(seed):
            self.linear = nn.Linear(dims + 2, adapted)

    def forward(self, patches: Tensor) -> Tensor:
        """Return (B, side * side, adapted) of (B, side * side, dims)."""
        places = self.places.to(patches).expand(len(patches), -1, -1)
        adapted: Tensor = self.linear(torch.cat([patches, places], 2))
        return adapted


def hypersphere_loss(squares: Tensor, attracting: int, radius: float, margin: float) -> Tensor:
    """Return the loss of coupled hyperspheres, attraction and repulsion (CFA, eq. 1 to 3).

    Args:
        squares: (N, K + J) squared distances of patches to the nearest centres, nearest first.
        attracting: K, the centres into whose spheres a patch is drawn; it is pushed out of those of
            the J others.
        radius: of the spheres.
        margin: that the others' spheres lack, alpha.
    """
    near, far = squares[:, :attracting], squares[:, attracting:]
    attraction = F.relu(near - radius**2).mean()
    if far.shape[1] == 0:
        return attraction
    return attraction + F.relu(radius**2 - far - margin).mean()
