"""The fast denoiser: a small U-Net on a folded image, predicting the clean image directly."""

from typing import Any

import torch
from torch import Generator, Tensor

from hardsight.core.batches import per_image
from hardsight.core.modules import sharing
from hardsight.diffusion.base import Denoiser
from hardsight.diffusion.folded import apply_folded, demand_divisible, small_unet, usual_patch
from hardsight.diffusion.schedule import Schedule


class FastDenoiser(Denoiser):
    """x0 from x + sigma n, on ``pixel_unshuffle(patch)`` of the image.

    x_t / sqrt(alpha_bar) is x + sigma n, and folding keeps the noise isotropic: every formula of
    the papers holds unchanged in pixel space. Training draws ln sigma ~ N(log_sigma_mean,
    log_sigma_std) and weighs the squared error by 1 / (sigma^2 + 0.01).

    Args:
        size: Height and width of the images in pixels.
        patch: Side of the folded squares; None: that of ``usual_patch``.
        channels: Width of the first level.
        multipliers: Width of each level over ``channels``; each level halves the grid.
        image_channels: Channels of the images.
        log_sigma_mean: Mean of ln sigma in training ([-1, 1] units).
        log_sigma_std: Standard deviation of ln sigma in training.
        schedule: What t means in ``forward``; None: ``Schedule.linear()``. Training ignores it.
    """

    def __init__(
        self,
        size: int,
        patch: int | None = None,
        channels: int = 48,
        multipliers: tuple[int, ...] = (1, 2, 2),
        image_channels: int = 3,
        log_sigma_mean: float = -1.5,
        log_sigma_std: float = 1.0,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(schedule or Schedule.linear())
        self.size = size
        self.patch = usual_patch(size) if patch is None else patch
        self.channels = channels
        self.multipliers = tuple(multipliers)
        self.image_channels = image_channels
        self.log_sigma_mean = log_sigma_mean
        self.log_sigma_std = log_sigma_std
        self.unet = small_unet(size, image_channels, channels, self.multipliers, self.patch)

    def forward(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """Return x0 from x_t (B, C, H, W) on the schedule."""
        scale = per_image(self.schedule.alpha_bar(t).rsqrt(), x_t)
        return self.denoise(x_t * scale, self.schedule.sigma(t))

    def denoise(self, x_sigma: Tensor, sigma: float | Tensor) -> Tensor:
        """Return x0 from x + sigma n: the native form.

        Args:
            x_sigma: (B, C, H, W), C = image_channels, H = W = size.
            sigma: Positive, in [-1, 1] units: a number or (B,).
        """
        if x_sigma.shape[1:] != (self.image_channels, self.size, self.size):
            raise ValueError(
                f"x must have shape (B, {self.image_channels}, {self.size}, {self.size}), "
                f"got {tuple(x_sigma.shape)}; resize it, or build the denoiser for that size"
            )
        level = torch.as_tensor(sigma)
        scaled = x_sigma * per_image((level**2 + 0.25).rsqrt(), x_sigma)
        embedded = per_image(250 * level.log(), x_sigma).flatten().expand(len(x_sigma))
        return apply_folded(self.unet, scaled, embedded, self.patch)

    def at(self, size: int) -> "FastDenoiser":
        """Return the same network for images of another side: the weights are shared.

        Raises:
            ValueError: a side that cannot be folded and halved so often.
        """
        demand_divisible(size, self.patch, len(self.multipliers))
        twin = sharing(self)
        twin.size = size
        return twin

    def draw(self, shape: torch.Size, generator: Generator) -> tuple[Tensor, ...]:
        """Draw sigma (B,) and the noise (B, C, H, W)."""
        device = generator.device
        normal = torch.randn(shape[0], generator=generator, device=device)
        noise = torch.randn(shape, generator=generator, device=device)
        return (self.log_sigma_mean + self.log_sigma_std * normal).exp(), noise

    def training_loss(self, x0: Tensor, randomness: tuple[Tensor, ...]) -> Tensor:
        """Return the mean squared error over pixels / (sigma^2 + 0.01), (B,)."""
        sigma, noise = (r.to(x0) for r in randomness)
        error = self.denoise(x0 + per_image(sigma, x0) * noise, sigma) - x0
        return (error**2).flatten(1).mean(1) / (sigma**2 + 0.01)

    @property
    def config(self) -> dict[str, Any]:
        """JSON-able; ``build_denoiser(config)`` returns the same architecture."""
        return {
            "name": "fast",
            "size": self.size,
            "patch": self.patch,
            "channels": self.channels,
            "multipliers": list(self.multipliers),
            "image_channels": self.image_channels,
            "log_sigma_mean": self.log_sigma_mean,
            "log_sigma_std": self.log_sigma_std,
            "schedule": self.schedule.config,
        }
