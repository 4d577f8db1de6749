"""Two classes of Gaussian groups in the plane, whose density, score and denoiser are known."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True, eq=False)
class Mixture:
    """Equally likely isotropic Gaussian groups, each of one class (Blau et al., 2022, section 4.1).

    Points are (N, D); ``sigma``, where it appears, is noise added to them, a number or (N, 1).
    """

    means: Tensor
    """(K, D) in [0, 1], float64."""
    classes: Tensor
    """(K,) int64, from 0 on."""
    spread: float
    """Standard deviation of a group."""

    def __post_init__(self) -> None:
        if self.means.ndim != 2 or len(self.means) != len(self.classes) or len(self.means) == 0:
            raise ValueError(
                f"need a class for each mean (K, D), got {tuple(self.means.shape)} and "
                f"{tuple(self.classes.shape)}"
            )
        if not self.spread > 0:
            raise ValueError(f"spread must be positive, got {self.spread}")

    @classmethod
    def rings(cls, groups: int = 4, spread: float = 0.012, radius: float = 0.28) -> "Mixture":
        """Two classes of ``groups`` each, alternating round a circle in the unit square."""
        angle = 2 * math.pi * torch.arange(2 * groups, dtype=torch.float64) / (2 * groups)
        means = 0.5 + radius * torch.stack([angle.cos(), angle.sin()], 1)
        return cls(means, torch.arange(2 * groups) % 2, spread)

    def sample(self, n: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw n points (n, D) and their classes (n,)."""
        group = torch.randint(len(self.means), (n,), generator=generator)
        offset = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        return self.means[group] + self.spread * offset, self.classes[group]

    def log_density(self, x: Tensor, sigma: float | Tensor = 0.0) -> Tensor:
        """(N, D) -> (N,) log-density of the points with noise."""
        variance = self._variance(sigma, x)
        constant = 0.5 * x.shape[1] * (2 * math.pi * variance.squeeze(1)).log()
        scores = self._exponents(x, variance).logsumexp(1)
        return scores - constant - math.log(len(self.means))

    def score(self, x: Tensor, sigma: float | Tensor = 0.0) -> Tensor:
        """(N, D) -> (N, D) gradient of ``log_density``."""
        variance = self._variance(sigma, x)
        return (self._weights(x, variance) @ self.means.to(x) - x) / variance

    def denoise(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """(N, D) -> (N, D) the mean of the clean point given the noisy one (Tweedie)."""
        noise = torch.as_tensor(sigma, dtype=x.dtype, device=x.device) ** 2
        return x + noise * self.score(x, sigma)

    def classify(self, x: Tensor, sigma: float | Tensor = 0.0) -> Tensor:
        """(N, D) -> (N, classes) log-probabilities: the best classifier there is, as logits."""
        exponents = self._exponents(x, self._variance(sigma, x))
        classes = range(int(self.classes.max()) + 1)
        joint = [exponents[:, self.classes == c].logsumexp(1) for c in classes]
        return torch.stack(joint, 1).log_softmax(1)

    def _variance(self, sigma: float | Tensor, x: Tensor) -> Tensor:
        noise = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
        return (self.spread**2 + noise**2).expand(len(x), 1)

    def _exponents(self, x: Tensor, variance: Tensor) -> Tensor:
        """(N, K): -|x - mean|^2 / (2 variance)."""
        offset = x[:, None] - self.means.to(x)
        return -offset.square().sum(2) / (2 * variance)

    def _weights(self, x: Tensor, variance: Tensor) -> Tensor:
        return self._exponents(x, variance).softmax(1)
