"""The contract of every purifier."""

from abc import ABC, abstractmethod
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn

from hardsight.attacks import Checkpointed
from hardsight.diffusion import Denoiser

Clamp = Literal["off", "hard", "through"]
"""What is done about values outside [0, 1]. "off": nothing, so that the gradient is exact and
nowhere dead. "hard": a clamp, as released code has it, whose gradient is zero wherever it acts: an
attack through it is weaker than it looks. "through": the values of the clamp with the gradient of
none, for attacks on a defence that clamps."""


class Purifier(nn.Module, ABC):
    """A function of (images, noise): images (B, C, H, W) in [0, 1] -> images of the same shape.

    Deterministic given the noise and differentiable in the images.

    Args:
        clamp: see ``Clamp``.
    """

    def __init__(self, clamp: Clamp = "off") -> None:
        super().__init__()
        if clamp not in get_args(Clamp):
            raise ValueError(f"clamp must be one of {', '.join(get_args(Clamp))}, got {clamp!r}")
        self.clamp = clamp

    @abstractmethod
    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Purify a batch.

        Args:
            images: (B, C, H, W) in [0, 1].
            noise: what ``sample_noise`` returned for as many images; None draws it from torch's
                global generator.
        """

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw all the randomness of one purification, (B, ...); None: there is none."""
        return None

    def shortened(self, factor: int) -> "Purifier | None":
        """Return the same process in about ``factor`` times fewer steps; None: it has one step.

        Its gradient is that of a surrogate process (Lee & Kim, 2023).
        """
        return None

    @property
    def settings(self) -> dict[str, Any]:
        """What decides what it does, besides its weights, for the record."""
        return {"name": type(self).__name__, "clamp": self.clamp}

    def limited(self, images: Tensor) -> Tensor:
        """Return images with their values outside [0, 1] treated as ``clamp`` says."""
        if self.clamp == "off":
            return images
        inside = images.clamp(0, 1)
        return inside if self.clamp == "hard" else images + (inside - images).detach()


def coarser(depth: int, stride: int, factor: int) -> int | None:
    """Return the stride of a grid of about ``factor`` times fewer steps; None: there is none.

    Args:
        depth: of the process; the stride divides it.
        stride: of the grid.
        factor: at least as much coarser, up to a single step of ``depth``.
    """
    if depth <= stride:
        return None
    least = min(stride * factor, depth)
    return next(s for s in range(least, depth + 1) if depth % s == 0)


def linked(denoiser: Denoiser, checkpoint: bool) -> Denoiser:
    """Return the denoiser for the links of a chain; its activations forgotten if ``checkpoint``."""
    if not checkpoint or not torch.is_grad_enabled():
        return denoiser
    return cast(Denoiser, Checkpointed(denoiser))


def normal_noise(images: Tensor, draws: int, generator: torch.Generator | None) -> Tensor:
    """Draw (B, draws, C, H, W) of standard normal noise."""
    shape = (len(images), draws, *images.shape[1:])
    return torch.randn(shape, generator=generator, device=images.device, dtype=images.dtype)


def with_noise(images: Tensor, sigma: float, noise: Tensor) -> Tensor:
    """Add noise (B, 1, C, H, W), see ``normal_noise``, to images (B, C, H, W), ``sigma`` times.

    Raises:
        ValueError: noise of other images.
    """
    if noise.ndim != images.ndim + 1 or noise[:, 0].shape != images.shape:
        expected = (len(images), 1, *images.shape[1:])
        raise ValueError(
            f"noise must have shape (B, 1, C, H, W) = {expected}, got {tuple(noise.shape)}"
        )
    return images + sigma * noise[:, 0]
