"""The spheres round the centres of CFA, into which its descriptor draws normal patches."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Hyperspheres(nn.Module):
    """Hold what CFA trains: the descriptor, and the radius that all spheres share.

    Args:
        descriptor: of patches.
        radius: of the spheres at first.
        margin: by which the squared radius is smaller where a sphere repels, alpha.
    """

    def __init__(self, descriptor: nn.Module, radius: float, margin: float) -> None:
        super().__init__()
        self.descriptor, self.margin = descriptor, margin
        self.radius = nn.Parameter(torch.tensor(radius))

    def loss(self, squares: Tensor, attracting: int) -> Tensor:
        """Return the loss of coupled hyperspheres, attraction and repulsion (CFA, eq. 1 to 3).

        Args:
            squares: (N, K + J) squared distances of patches to the nearest centres, nearest first.
            attracting: K, the centres into whose spheres a patch is drawn; it is pushed out of
                those of the J others.
        """
        near, far = squares[:, :attracting], squares[:, attracting:]
        reach = self.radius.square()
        attraction = F.relu(near - reach).mean()
        if far.shape[1] == 0:
            return attraction
        return attraction + F.relu(reach - far - self.margin).mean()
