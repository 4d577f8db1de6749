"""Adaptive denoising purification: deterministic ascent of a score, for comparison."""

import math
from typing import Any

import torch
from torch import Tensor

from hardsight.core.batches import per_image
from hardsight.diffusion import Denoiser
from hardsight.purifiers.base import Clamp, Purifier, linked, normal_noise, with_noise


class ADP(Purifier):
    """Noise once, then gradient ascent of the log-density (Yoon et al., 2021).

    A step is ``x + alpha s`` with ``alpha = lam delta / (1 - s.s' / |s|^2)`` for each image, s
    being the score at x and s' at ``x + delta s``: the step at which the score, were it linear,
    would have lost the share ``lam``. The score is that of the data with noise of standard
    deviation ``level``, ``(x0(x) - x) / level^2``. The step size has its gradient as well.

    Args:
        denoiser: the diffusion model; the paper trains a score network instead.
        level: noise level of the score in [0, 1] pixel units, near one of the denoiser's schedule.
        sigma: noise added first, in [0, 1] pixel units; the paper's 0.25. 0: none.
        steps: of the ascent; the paper's 10 at most.
        lam: lambda above, the paper's 0.05.
        delta: length of the trial step; the paper's 1e-5 drowns in float32 rounding when the score
            is large, as it is at a small ``level``.
        largest: bound of ``alpha`` in units of ``level^2``, at which a step lands on the denoised
            image; it acts where the score does not bend at all.
        checkpoint: as ``DDIMPurifier``.
        clamp: see ``Clamp``.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        level: float = 0.1,
        sigma: float = 0.25,
        steps: int = 10,
        lam: float = 0.05,
        delta: float = 1e-5,
        largest: float = 1.0,
        checkpoint: bool = False,
        clamp: Clamp = "off",
    ) -> None:
        super().__init__(clamp)
        positive = all(v > 0 for v in (level, lam, delta, largest))  # false for NaN too
        if not (positive and sigma >= 0) or steps < 1:
            raise ValueError(
                "level, lam, delta and largest must be positive, sigma >= 0 and steps >= 1, got "
                f"{level}, {lam}, {delta}, {largest}, {sigma} and {steps}"
            )
        self.denoiser = denoiser
        self.k = denoiser.schedule.timestep_near(level, "level")
        self.level = float(denoiser.schedule.sigma(self.k)) / 2
        self.sigma, self.steps, self.lam = sigma, steps, lam
        self.delta, self.largest, self.checkpoint = delta, largest, checkpoint

    @property
    def settings(self) -> dict[str, Any]:
        """All hyper-parameters."""
        names = ("level", "sigma", "steps", "lam", "delta", "largest")
        return super().settings | {k: getattr(self, k) for k in names}

    def shortened(self, factor: int) -> "ADP | None":
        """Return fewer steps, which together take the same share of a linear score."""
        if self.steps == 1:
            return None
        steps = max(1, self.steps // factor)
        lam = 1 - (1 - self.lam) ** (self.steps / steps)
        own = (self.delta, self.largest, self.checkpoint, self.clamp)
        return ADP(self.denoiser, self.level, self.sigma, steps, lam, *own)

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw noise (B, 1, C, H, W); None at sigma = 0."""
        return normal_noise(images, 1, generator) if self.sigma else None

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Yoon et al. (2021), sections 3.2 and 3.3, on pixels."""
        if noise is None:
            noise = self.sample_noise(images)
        x = images if noise is None else with_noise(images, self.sigma, noise)
        denoiser = linked(self.denoiser, self.checkpoint)
        for _ in range(self.steps):
            x = self._step(denoiser, x)
        return self.limited(x)

    def score(self, x: Tensor, denoiser: Denoiser | None = None) -> Tensor:
        """Return the gradient of the smoothed log-density at (B, C, H, W) in pixel units."""
        network = self.denoiser if denoiser is None else denoiser
        scale = math.sqrt(float(self.denoiser.schedule.alpha_bar(self.k)))
        clean: Tensor = (network(scale * (2 * x - 1), self.k) + 1) / 2
        return (clean - x) / self.level**2

    def _step(self, denoiser: Denoiser, x: Tensor) -> Tensor:
        s = self.score(x, denoiser)
        trial = self.score(x + self.delta * s, denoiser)
        size = s.flatten(1).square().sum(1).clamp_min(torch.finfo(x.dtype).tiny)
        lost = ((s - trial) * s).flatten(1).sum(1) / size
        most = self.largest * self.level**2
        least = self.lam * self.delta / most
        alpha = self.lam * self.delta / lost.clamp_min(least)
        return x + per_image(alpha, x) * s
