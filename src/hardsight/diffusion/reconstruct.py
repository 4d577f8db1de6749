"""Robust reconstruction: diffuse an image for k steps, then denoise it.

Deterministic given the noise and differentiable in the image; nothing is clamped. Images are
(B, C, H, W) in [-1, 1], timesteps 1-based.
"""

from collections.abc import Sequence

from torch import Tensor

from hardsight.diffusion.base import Denoiser
from hardsight.diffusion.gaussian import posterior, q_sample, respaced_log_variance


def one_shot(denoiser: Denoiser, x: Tensor, k: int | Tensor, noise: Tensor) -> Tensor:
    """FreeRAD Algorithm 2: one-shot robust reconstruction.

    Args:
        denoiser: The network.
        x: (B, C, H, W).
        k: Diffusion step in 1..T, for all or (B,).
        noise: (B, C, H, W) standard normal.

    Returns:
        (B, C, H, W) the reconstruction.
    """
    if noise.shape != x.shape:
        raise ValueError(f"noise must have the shape of x {tuple(x.shape)}, got {_shape(noise)}")
    x0: Tensor = denoiser(q_sample(denoiser.schedule, x, k, noise), k)
    return x0


def arbitrary_shot(denoiser: Denoiser, x: Tensor, steps: Sequence[int], noise: Tensor) -> Tensor:
    """FreeRAD Algorithm 3: arbitrary-shot robust reconstruction.

    Args:
        denoiser: The network.
        x: (B, C, H, W).
        steps: S_1 < ... < S_m in 1..T; the image is diffused for k = S_m steps.
        noise: (B, m, C, H, W) standard normal: first that of the diffusion, then one for each
            denoising step but the last, in the order of use.

    Returns:
        (B, C, H, W) the reconstruction.
    """
    schedule = denoiser.schedule
    spaced = schedule.respace(steps)
    m = len(steps)
    if noise.shape != (len(x), m, *x.shape[1:]):
        expected = (len(x), m, *x.shape[1:])
        raise ValueError(
            f"noise must have shape (B, steps, C, H, W) = {expected}, got {_shape(noise)}"
        )
    x_t = q_sample(schedule, x, steps[-1], noise[:, 0])
    for i in range(m, 1, -1):
        x0, log_variance = denoiser.predict(x_t, steps[i - 1])
        mean, _, fixed = posterior(spaced, x0, x_t, i)
        if log_variance is None:
            log_variance = fixed
        else:
            log_variance = respaced_log_variance(log_variance, schedule, steps[i - 1], spaced, i)
        x_t = mean + (0.5 * log_variance).exp() * noise[:, m - i + 1]
    x0_tilde: Tensor = denoiser(x_t, steps[0])
    return x0_tilde


def full_shot(denoiser: Denoiser, x: Tensor, k: int, noise: Tensor) -> Tensor:
    """FreeRAD Algorithm 1: full-shot robust reconstruction, all of k, k-1, ..., 1.

    Args:
        denoiser: The network.
        x: (B, C, H, W).
        k: Diffusion step in 1..T.
        noise: (B, k, C, H, W), as for ``arbitrary_shot``.
    """
    return arbitrary_shot(denoiser, x, range(1, k + 1), noise)


def _shape(x: Tensor) -> tuple[int, ...]:
    return tuple(x.shape)
