"""DDIM: a short chain from a noisy image to a clean one, deterministic or not.

Deterministic given the noise and differentiable in the image; nothing is clamped. Images are
(B, C, H, W) in [-1, 1], timesteps 1-based.
"""

import math
from collections.abc import Sequence

from torch import Tensor

from hardsight.diffusion.base import Denoiser
from hardsight.diffusion.gaussian import q_sample
from hardsight.diffusion.schedule import Schedule


def sub_sequence(depth: int, skip: int = 1) -> tuple[int, ...]:
    """Blau et al. (2022), section 4: tau = {T*, T* - skip, ..., 0}, lowest first.

    The paper's timesteps start at 0, so that ``sub_sequence(140, 10)`` is 1, 11, ..., 141: fifteen
    network calls, as the released code makes (the text says fourteen).

    Args:
        depth: T*, 0-based, a multiple of ``skip``.
        skip: between two steps; 1 is full sampling.

    Raises:
        ValueError: a depth below 0, a skip below 1, or one that does not divide the depth.
    """
    if depth < 0 or skip < 1 or depth % skip:
        raise ValueError(
            f"depth must be a multiple of skip, and skip positive, got depth={depth} and "
            f"skip={skip}; choose depth={max(round(depth / max(skip, 1)), 1) * max(skip, 1)}"
        )
    return tuple(range(1, depth + 2, skip))


def ddim(
    denoiser: Denoiser, x: Tensor, steps: Sequence[int], noise: Tensor, eta: float = 0.0
) -> Tensor:
    """Blau et al. (2022), Algorithm 2: diffuse to the last step, then sample back (Song, 2021).

    sigma_t = eta sqrt((1 - ab_s) / (1 - ab_t)) sqrt(1 - ab_t / ab_s), s being the step below t: at
    eta = 0, as the released code runs, the way back is deterministic; at eta = 1, as the paper's
    argument goes, it is the ancestral chain with the posterior's variance.

    Args:
        denoiser: The network.
        x: (B, C, H, W).
        steps: S_1 < ... < S_m in 1..T; see ``sub_sequence``.
        noise: (B, m, C, H, W) standard normal: first that of the diffusion, then one for each step
            but the last, in the order of use. At eta = 0 (B, 1, C, H, W) is all that is needed.
        eta: In [0, 1].

    Returns:
        (B, C, H, W) the sample.

    Raises:
        ValueError: eta outside [0, 1], steps that do not rise, or noise of another shape.
    """
    n = draws_of(steps, eta)
    if noise.ndim != x.ndim + 1 or noise[:, 0].shape != x.shape or noise.shape[1] < n:
        expected = (len(x), n, *x.shape[1:])
        raise ValueError(
            f"noise must have shape (B, draws, C, H, W) = {expected}, got {tuple(noise.shape)}"
        )
    x_t = q_sample(denoiser.schedule, x, steps[-1], noise[:, 0])
    links = _coefficients(denoiser.schedule, steps, eta)
    for i, (t, a, b, sigma) in enumerate(links, start=1):
        x_t = a * denoiser(x_t, t) + b * x_t
        if sigma:
            x_t = x_t + sigma * noise[:, i]
    return x_t


def draws_of(steps: Sequence[int], eta: float) -> int:
    """Return how many noise images ``ddim`` takes for one image."""
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must be in [0, 1], got {eta}")
    return len(steps) if eta else 1


def _coefficients(
    schedule: Schedule, steps: Sequence[int], eta: float
) -> list[tuple[int, float, float, float]]:
    """Return (t, a, b, sigma) from the highest step down: x_s = a x0 + b x_t + sigma z."""
    schedule.respace(steps)  # checks them
    links = []
    for t, s in zip(reversed(steps), [*reversed(steps[:-1]), 0], strict=True):
        ab, before = float(schedule.alpha_bar(t)), float(schedule.alpha_bar(s))
        variance = eta**2 * (1 - before) / (1 - ab) * (1 - ab / before)
        b = math.sqrt(max(1 - before - variance, 0.0) / (1 - ab))
        links.append((t, math.sqrt(before) - b * math.sqrt(ab), b, math.sqrt(variance)))
    return links
