"""Two classes of Gaussian groups in the plane, whose density, score and denoiser are known.

What purification does can be computed here without a network to trust: by ``mixture.py``, and by
the tests of purifiers and samplers.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hardsight.core.batches import per_image
from hardsight.diffusion import Denoiser, Schedule


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
        """Return the log-density (N,) of points (N, D) with noise."""
        variance = self._variance(sigma, x)
        constant = 0.5 * x.shape[1] * (2 * math.pi * variance.squeeze(1)).log()
        scores = self._exponents(x, variance).logsumexp(1)
        return scores - constant - math.log(len(self.means))

    def score(self, x: Tensor, sigma: float | Tensor = 0.0) -> Tensor:
        """Return the gradient (N, D) of ``log_density`` at (N, D)."""
        variance = self._variance(sigma, x)
        return (self._weights(x, variance) @ self.means.to(x) - x) / variance

    def denoise(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the mean (N, D) of the clean points given the noisy ones (N, D) (Tweedie)."""
        noise = torch.as_tensor(sigma, dtype=x.dtype, device=x.device) ** 2
        return x + noise * self.score(x, sigma)

    def classify(self, x: Tensor, sigma: float | Tensor = 0.0) -> Tensor:
        """Return (N, classes) log-probabilities of (N, D), of the best classifier there is."""
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


class MixtureDenoiser(Denoiser):
    """Compute E[x0 | x_t] of points of a mixture, as images (B, 1, 1, D) in [-1, 1].

    Args:
        mixture: in pixel units, [0, 1].
        schedule: None: ten steps, alpha_bar falling evenly from 1 to 0.1 (Blau et al., 2022,
            section 4.1: T* = 10, alpha in [0.1, 1]).
    """

    def __init__(self, mixture: Mixture, schedule: Schedule | None = None) -> None:
        super().__init__(schedule or even_schedule())
        self.mixture = mixture

    def forward(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """(B, 1, 1, D) -> (B, 1, 1, D)."""
        ab = per_image(self.schedule.alpha_bar(t).to(x_t), x_t).expand(len(x_t), 1, 1, 1).flatten(1)
        seen = x_t.flatten(1) / ab.sqrt()  # x0 + noise, in [-1, 1]
        sigma = ((1 - ab) / ab).sqrt() / 2  # in pixel units
        return (2 * self.mixture.denoise((seen + 1) / 2, sigma) - 1).view_as(x_t)


def even_schedule(steps: int = 10, lowest: float = 0.1) -> Schedule:
    """Return the schedule whose alpha_bar falls evenly from 1 to ``lowest``."""
    bars = torch.linspace(1, lowest, steps + 1, dtype=torch.float64)
    return Schedule(1 - bars[1:] / bars[:-1], {"name": "even", "T": steps, "lowest": lowest})
