"""The exact denoiser of a mixture of Gaussians: diffusion without a network to trust."""

import torch
from torch import Tensor

from hardsight.core.batches import per_image
from hardsight.data.mixture import Mixture
from hardsight.diffusion.base import Denoiser
from hardsight.diffusion.schedule import Schedule


class MixtureDenoiser(Denoiser):
    """E[x0 | x_t] of points of a mixture, as images (B, 1, 1, D) in [-1, 1].

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
