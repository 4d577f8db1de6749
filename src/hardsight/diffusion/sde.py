"""The reverse-time SDE of the diffusion process, by Euler and Maruyama.

Deterministic given the noise and differentiable in the image; nothing is clamped. Images are
(B, C, H, W) in [-1, 1], timesteps 1-based. Its ancestral form is ``reconstruct.arbitrary_shot``.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, autograd

from hardsight.diffusion.base import Denoiser
from hardsight.diffusion.gaussian import q_sample
from hardsight.diffusion.schedule import Schedule


def reverse_sde(denoiser: Denoiser, x: Tensor, steps: Sequence[int], noise: Tensor) -> Tensor:
    """Nie et al. (DiffPure, 2022), equations 4 and 6: diffuse, then solve the reverse VP-SDE.

    dx = -beta / 2 (x + 2 score) dt + sqrt(beta) dw, backwards. A step from t down to s spans the
    integral of beta between them, -log(ab_t / ab_s); the score at its upper end is that of the
    denoiser, (sqrt(ab_t) x0 - x_t) / (1 - ab_t).

    Args:
        denoiser: The network.
        x: (B, C, H, W).
        steps: S_1 < ... < S_m in 1..T; the image is diffused to S_m = T t*, and the chain ends at
            0. All of 1..100 is the paper's t* = 0.1 with dt = 0.001.
        noise: (B, m + 1, C, H, W) standard normal: first that of the diffusion, then one a step.

    Returns:
        (B, C, H, W) the sample.
    """
    check_noise(x, steps, noise)
    x_t = q_sample(denoiser.schedule, x, steps[-1], noise[:, 0])
    for i, (t, h) in enumerate(spans(denoiser.schedule, steps), start=1):
        x_t = x_t + h * drift(denoiser, x_t, t) + math.sqrt(h) * noise[:, i]
    return x_t


def adjoint_sde(denoiser: Denoiser, x: Tensor, steps: Sequence[int], noise: Tensor) -> Tensor:
    """``reverse_sde`` with the gradient of the adjoint SDE (Li et al., 2020): a diagnostic only.

    The value is that of ``reverse_sde``. The gradient is what DiffPure was evaluated with: the
    chain is solved backwards from its end, in constant memory, and the states it meets are not
    those of the way there. It differs from the exact gradient by the discretisation error, and an
    attack with it is weaker. No weight gets a gradient.
    """
    check_noise(x, steps, noise)
    x_t = q_sample(denoiser.schedule, x, steps[-1], noise[:, 0])
    solved: Tensor = _Adjoint.apply(x_t, denoiser, tuple(steps), noise)
    return solved


def drift(denoiser: Denoiser, x_t: Tensor, t: int) -> Tensor:
    """Return x / 2 + score: the reverse drift at t, for a unit of the integral of beta."""
    ab = float(denoiser.schedule.alpha_bar(t))
    x0: Tensor = denoiser(x_t, t)
    score = (math.sqrt(ab) * x0 - x_t) / (1 - ab)
    return x_t / 2 + score


def spans(schedule: Schedule, steps: Sequence[int]) -> list[tuple[int, float]]:
    """Return (t, integral of beta from the step below) from the highest step down."""
    schedule.respace(steps)  # checks them
    bars = [float(schedule.alpha_bar(s).log()) for s in (0, *steps)]
    return [(t, a - b) for t, (a, b) in zip(steps, pairwise(bars), strict=True)][::-1]


def check_noise(x: Tensor, steps: Sequence[int], noise: Tensor) -> None:
    """Raise a ValueError unless the noise is (B, steps + 1, C, H, W)."""
    expected = (len(x), len(steps) + 1, *x.shape[1:])
    if noise.shape != expected:
        raise ValueError(
            f"noise must have shape (B, steps + 1, C, H, W) = {expected}, got {tuple(noise.shape)}"
        )


class _Adjoint(autograd.Function):
    """Forward the chain; backward an Euler step of state and adjoint for each of its links."""

    @staticmethod
    def forward(
        ctx: Any, x_t: Tensor, denoiser: Denoiser, steps: tuple[int, ...], noise: Tensor
    ) -> Tensor:
        ctx.denoiser, ctx.links = denoiser, spans(denoiser.schedule, steps)
        for i, (t, h) in enumerate(ctx.links, start=1):
            x_t = x_t + h * drift(denoiser, x_t, t) + math.sqrt(h) * noise[:, i]
        ctx.save_for_backward(x_t, noise)
        return x_t

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        x, noise = ctx.saved_tensors
        for i in range(len(ctx.links), 0, -1):
            t, h = ctx.links[i - 1]
            with torch.enable_grad():
                state = x.detach().requires_grad_(True)
                slope = drift(ctx.denoiser, state, t)
                (pulled,) = autograd.grad(slope, state, gradient)
            x = x - h * slope.detach() - math.sqrt(h) * noise[:, i]
            gradient = gradient + h * pulled
        return gradient, None, None, None
