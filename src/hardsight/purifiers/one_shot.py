"""Purification in one denoising step, and what it certifies."""

import math
from typing import Any

import torch
from torch import Tensor

from hardsight.diffusion import Denoiser, one_shot
from hardsight.purifiers.base import Clamp, Purifier, normal_noise


class OneShot(Purifier):
    """Adds noise of standard deviation ``sigma`` and removes it in one step (Carlini et al., 2023).

    With ``noisy`` the images already hold that noise: the smoothing noise of a certificate is the
    diffusion's, and the only one. ``certify_classifier(Purified(OneShot(denoiser, sigma,
    noisy=True), classifier), ..., sigma=sigma)`` is the paper's Algorithm 1.

    Args:
        denoiser: the diffusion model.
        sigma: in [0, 1] pixel units, near a noise level of the denoiser's schedule.
        noisy: the images hold the noise; none is drawn.
        clamp: see ``Clamp``.
    """

    title = "one-shot denoising"

    def __init__(
        self, denoiser: Denoiser, sigma: float, noisy: bool = False, clamp: Clamp = "off"
    ) -> None:
        super().__init__(clamp)
        self.denoiser = denoiser
        self.sigma, self.noisy = sigma, noisy
        self.k = denoiser.schedule.timestep_near(sigma)

    @property
    def settings(self) -> dict[str, Any]:
        """The noise, and who adds it."""
        return super().settings | {"sigma": self.sigma, "k": self.k, "noisy": self.noisy}

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw noise (B, 1, C, H, W); None if the images are noisy as they come."""
        return None if self.noisy else normal_noise(images, 1, generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Carlini et al. (2023), Algorithm 1, lines 4-6, on pixels."""
        x = 2 * images - 1
        if self.noisy:
            scale = math.sqrt(float(self.denoiser.schedule.alpha_bar(self.k)))
            return self.limited((self.denoiser(scale * x, self.k) + 1) / 2)
        if noise is None:
            noise = normal_noise(images, 1, None)
        return self.limited((one_shot(self.denoiser, x, self.k, noise[:, 0]) + 1) / 2)
