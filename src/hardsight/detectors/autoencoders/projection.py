"""Latents moved to where the decoder comes closest to an image."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Decode = Callable[[Tensor], Tensor]
"""Latents (B, C, h, w) -> images (B, 3, H, W)."""


def distance(decode: Decode, latents: Tensor, images: Tensor) -> Tensor:
    """Return half the squared distance (B,) of images from those of latents, summed over pixels."""
    missed = images - decode(latents).to(images.dtype)
    return missed.square().flatten(1).sum(1) / 2


class ApproximateProjection(nn.Module):
    """Approach by gradient descent the latents whose images are closest (Goodge et al., 2020).

    Of images near the decoder's range this approximates the projection onto it. Where a gradient is
    wanted, the descent is unrolled: it is differentiated exactly, through all of its steps.

    Args:
        steps: of the descent; 0 leaves latents as they are.

    Raises:
        ValueError: a negative number of steps.
    """

    step_size: Tensor

    def __init__(self, steps: int) -> None:
        super().__init__()
        if steps < 0:
            raise ValueError(f"steps must be >= 0, got {steps}")
        self.steps = steps
        self.register_buffer("step_size", torch.tensor(2.0**-10))

    def forward(self, latents: Tensor, images: Tensor, decode: Decode) -> Tensor:
        """Return latents (B, C, h, w) moved towards images (B, 3, H, W)."""
        return self.path(latents, images, decode)[-1]

    def path(self, latents: Tensor, images: Tensor, decode: Decode) -> list[Tensor]:
        """Return the latents before the first step and after each."""
        unrolled = torch.is_grad_enabled() and latents.requires_grad
        found = [latents]
        with torch.enable_grad():
            for _ in range(self.steps):
                z = found[-1] if unrolled else found[-1].detach().requires_grad_()
                total = distance(decode, z, images).sum()
                (slope,) = torch.autograd.grad(total, z, create_graph=unrolled)
                found.append(z - self.step_size * slope)
        return found if unrolled else [z.detach() for z in found]

    @torch.no_grad()
    def settle(self, latents: Tensor, images: Tensor, decode: Decode) -> None:
        """Take the largest power of two, at most 1, of which every step nears every image.

        Raises:
            ValueError: there is none above 2 ** -30.
        """
        for exponent in range(31):
            self.step_size.fill_(2.0**-exponent)
            path = self.path(latents, images, decode)
            distances = torch.stack([distance(decode, z, images) for z in path])
            if bool((distances.diff(dim=0) < 0).all()):
                return
        raise ValueError(
            "no step of the projection nears these images; train for longer, or take steps=0"
        )
