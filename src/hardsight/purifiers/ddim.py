"""Purification by DDIM."""

from typing import Any

import torch
from torch import Tensor

from hardsight.diffusion import Denoiser, ddim, draws_of, sub_sequence
from hardsight.purifiers.base import Clamp, Purifier, coarser, linked, normal_noise


class DDIMPurifier(Purifier):
    """Diffuses an image to T*, and samples back along a sub-sequence (Blau et al., 2022).

    Args:
        denoiser: the diffusion model.
        depth: T*, 0-based as in the paper.
        skip: between two steps; 10 makes the paper's fifteen calls, 1 is full sampling.
        eta: 0, as the released code runs: one draw of noise and a deterministic way back; 1, as
            the paper argues: noise at every step.
        checkpoint: compute each denoising step again in the backward pass: the memory of one
            step, the exact gradient, one more forward pass.
        clamp: see ``Clamp``; the released code has "hard".
    """

    title = "DDIM purification"

    def __init__(
        self,
        denoiser: Denoiser,
        depth: int = 140,
        skip: int = 10,
        eta: float = 0.0,
        checkpoint: bool = False,
        clamp: Clamp = "off",
    ) -> None:
        super().__init__(clamp)
        self.denoiser = denoiser
        self.depth, self.skip, self.eta, self.checkpoint = depth, skip, eta, checkpoint
        self.steps = sub_sequence(depth, skip)
        if self.steps[-1] > denoiser.schedule.T:
            raise ValueError(
                f"depth must be at most {denoiser.schedule.T - 1} for this denoiser, got {depth}"
            )
        draws_of(self.steps, eta)  # checks eta

    @property
    def settings(self) -> dict[str, Any]:
        """Depth, grid and randomness."""
        return super().settings | {"depth": self.depth, "skip": self.skip, "eta": self.eta}

    def shortened(self, factor: int) -> "DDIMPurifier | None":
        """Return the same process with a larger skip, from the same depth."""
        skip = coarser(self.depth, self.skip, factor)
        own = (self.eta, self.checkpoint, self.clamp)
        return None if skip is None else DDIMPurifier(self.denoiser, self.depth, skip, *own)

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw noise (B, 1 or steps, C, H, W)."""
        return normal_noise(images, draws_of(self.steps, self.eta), generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Blau et al. (2022), Algorithm 2, on pixels."""
        noise = self.sample_noise(images) if noise is None else noise
        denoiser = linked(self.denoiser, self.checkpoint)
        x = ddim(denoiser, 2 * images - 1, self.steps, noise, self.eta)
        return self.limited((x + 1) / 2)
