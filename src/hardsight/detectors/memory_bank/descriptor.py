"""The patch descriptor of CFA: features adapted to the normal images of one target."""

import torch
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
