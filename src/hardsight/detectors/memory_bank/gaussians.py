"""A Gaussian at every place of a grid, and the Mahalanobis distance to it."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Gaussians(nn.Module):
    """Hold the mean and the covariance of vectors at each of P places (PaDiM, eq. 1 and 2).

    The inverse of the covariance's Cholesky factor is held: the distance is the length of its
    product with the deviation.

    Args:
        places: P.
        dims: of each vector.
        ridge: added to the covariance's diagonal, eps of eq. 1.
    """

    mean: Tensor
    whitening: Tensor

    def __init__(self, places: int, dims: int, ridge: float = 0.01) -> None:
        super().__init__()
        if ridge <= 0:
            raise ValueError(f"ridge must be positive, got {ridge}: few images leave no inverse")
        self.ridge = ridge
        self.register_buffer("mean", torch.zeros(places, dims))
        self.register_buffer("whitening", torch.eye(dims).repeat(places, 1, 1))

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Estimate them from vectors (b, P, dims), at least two in all, batch by batch."""
        count, total, products = 0, torch.zeros_like(self.mean), torch.zeros_like(self.whitening)
        origin: Tensor | None = None  # near the mean: squares stay small
        for batch in batches:
            origin = batch.mean(0) if origin is None else origin
            away = (batch - origin).transpose(0, 1)  # (P, b, dims)
            products.baddbmm_(away.mT, away)
            total += away.sum(1)
            count += len(batch)
        if origin is None or count < 2:
            raise ValueError(f"a covariance needs at least 2 images, got {count}")
        self.mean = origin + total / count
        products.baddbmm_(total[:, :, None], total[:, None], alpha=-1 / count)
        covariance = products / (count - 1)
        covariance.diagonal(dim1=1, dim2=2).add_(self.ridge)
        identity = torch.eye(covariance.shape[1], device=covariance.device)
        factor = torch.linalg.cholesky(covariance)
        self.whitening = torch.linalg.solve_triangular(factor, identity, upper=False)

    def distances(self, vectors: Tensor) -> Tensor:
        """Return the Mahalanobis distances (B, P) of (B, P, dims), differentiably (eq. 2)."""
        away = (vectors - self.mean).transpose(0, 1)
        white = torch.bmm(away, self.whitening.mT)
        found: Tensor = torch.linalg.vector_norm(white, dim=2)  # its gradient at 0 is 0
        return found.T
