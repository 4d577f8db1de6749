"""Principal components that are learned in the course of a training."""

import torch
from torch import Tensor, nn


class PrincipalComponents(nn.Module):
    """Project vectors onto the principal components of those observed (PCA).

    Mean and covariance are averages over the observations so far, from which the components follow
    exactly; neither carries a gradient.

    Args:
        size: of a vector.
        count: components kept.

    Raises:
        ValueError: more components than the vectors have entries, or none.
    """

    mean: Tensor
    covariance: Tensor
    basis: Tensor
    observations: Tensor

    def __init__(self, size: int, count: int) -> None:
        super().__init__()
        if not 1 <= count <= size:
            raise ValueError(f"need between 1 and {size} components of {size} entries, got {count}")
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("covariance", torch.eye(size))
        self.register_buffer("basis", torch.eye(size)[:, :count].contiguous())
        self.register_buffer("observations", torch.zeros((), dtype=torch.long))

    def compress(self, x: Tensor) -> Tensor:
        """Return the coordinates (..., count) of vectors (..., size)."""
        return (x - self.mean) @ self.basis

    def expand(self, coordinates: Tensor) -> Tensor:
        """Return the vectors (..., size) of coordinates (..., count)."""
        return coordinates @ self.basis.mT + self.mean

    @torch.no_grad()
    def observe(self, x: Tensor, rate: float = 1.0) -> None:
        """Move mean and covariance towards those of vectors (N, size), and take the components.

        In double precision on the CPU, for not every device has it (MPS).

        Args:
            x: N >= 2.
            rate: weight of these vectors, more in the first calls, whose observations weigh alike;
                1 forgets all others.

        Raises:
            ValueError: a single vector.
        """
        if len(x) < 2:
            raise ValueError(
                f"principal components need at least 2 vectors at a time, got {len(x)}; take a "
                "training.batch_size of at least 2 on each device"
            )
        self.observations += 1
        rate = max(rate, 1 / int(self.observations))
        found = x.detach().cpu().double()
        mean = found.mean(0)
        centred = found - mean
        self.mean.lerp_(mean.to(self.mean), rate)
        self.covariance.lerp_((centred.mT @ centred / len(x)).to(self.covariance), rate)
        vectors = torch.linalg.eigh(self.covariance.cpu().double()).eigenvectors
        basis = vectors.flip(1)[:, : self.basis.shape[1]]
        self.basis.copy_(basis @ _turn(basis, self.basis.cpu().double()))


def _turn(basis: Tensor, before: Tensor) -> Tensor:
    """Return the rotation (k, k) that brings a basis (d, k) closest to that before.

    The orthogonal Procrustes problem (Schoenemann, 1966). Eigenvectors have no sign of their own;
    what is learned of the coordinates would be lost at each change of it.
    """
    u, _, vh = torch.linalg.svd(basis.mT @ before)
    turn: Tensor = u @ vh
    return turn
