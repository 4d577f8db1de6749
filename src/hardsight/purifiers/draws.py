"""Several purifications of each image, as Expectation over Transformation averages them."""

from collections.abc import Callable

from torch import Generator, Tensor

Sampler = Callable[[Tensor, Generator | None], Tensor | None]
"""``sample_noise`` of a purifier or a model."""


def sample_draws(
    sample_noise: Sampler, images: Tensor, draws: int, generator: Generator | None
) -> Tensor | None:
    """Draw the noise (B, draws, ...) of several passes of each image; None: there is none."""
    noise = sample_noise(images.repeat_interleave(draws, dim=0), generator)
    return None if noise is None else noise.view(len(images), draws, *noise.shape[1:])


def purify_draws(purifier: Callable[..., Tensor], images: Tensor, noise: Tensor | None) -> Tensor:
    """Purify (B, C, H, W) to (B, draws, C, H, W); one draw where there is no noise.

    Args:
        purifier: called with images, and with noise where there is some.
        images: in [0, 1].
        noise: (B, draws, ...), see ``sample_draws``.
    """
    if noise is None:
        return purifier(images)[:, None]
    draws = noise.shape[1]
    clean = purifier(images.repeat_interleave(draws, dim=0), noise.flatten(0, 1))
    return clean.view(len(images), draws, *clean.shape[1:])
