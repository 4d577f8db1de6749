"""The Gaussian diffusion process: its forward marginal, its posterior and its training loss.

Images and noise are (B, C, H, W) in [-1, 1]; t is an int or (B,) int64 in 1..T.
"""

import math

import torch
from torch import Tensor

from hardsight.core.batches import per_image
from hardsight.diffusion.schedule import Schedule

_BIN = 1 / 255
"""Half the width of an 8-bit grey level in [-1, 1]."""


def q_sample(schedule: Schedule, x0: Tensor, t: int | Tensor, noise: Tensor) -> Tensor:
    """FreeRAD equation 4.2: x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) noise."""
    ab = schedule.alpha_bar(t)
    return per_image(ab.sqrt(), x0) * x0 + per_image((1 - ab).sqrt(), x0) * noise


def x0_from_eps(schedule: Schedule, x_t: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
    """FreeRAD Algorithm 1, line 5: x0 = (x_t - sqrt(1 - alpha_bar) eps) / sqrt(alpha_bar)."""
    scale = per_image(schedule.alpha_bar(t).rsqrt(), x_t)
    return scale * x_t - per_image(schedule.sigma(t), x_t) * eps


def posterior(
    schedule: Schedule, x0: Tensor, x_t: Tensor, t: int | Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Ho et al. (2020), equations 6-7: q(x_{t-1} | x_t, x0), the step of FreeRAD Algorithm 1.

    Returns:
        mean (B, C, H, W); variance (B, 1, 1, 1), zero at t = 1; its logarithm (B, 1, 1, 1), with
        the value of t = 2 at t = 1, where it would be -inf (Nichol & Dhariwal, 2021). With an int
        t the last two broadcast as (1, 1, 1, 1).
    """
    beta = schedule.beta(t)
    ab = schedule.alpha_bar(t)
    before = schedule.alpha_bar(t - 1)
    a = before.sqrt() * beta / (1 - ab)
    b = (1 - beta).sqrt() * (1 - before) / (1 - ab)
    mean = per_image(a, x0) * x0 + per_image(b, x0) * x_t
    variance = beta * (1 - before) / (1 - ab)
    low, _ = log_variance_range(schedule, t)
    return mean, per_image(variance, x0), per_image(low, x0)


def log_variance_range(schedule: Schedule, t: int | Tensor) -> tuple[Tensor, Tensor]:
    """Return log beta~_t (that of t = 2 at t = 1) and log beta_t, float64, of the shape of t."""
    high = schedule.beta(t).log()
    if schedule.T == 1:  # there is no t = 2: the interval shrinks to log beta_1
        return high, high
    inner = t.clamp(min=2) if isinstance(t, Tensor) else max(t, 2)
    beta = schedule.beta(inner)
    before, ab = schedule.alpha_bar(inner - 1), schedule.alpha_bar(inner)
    return (beta * (1 - before) / (1 - ab)).log(), high


def learned_log_variance(v: Tensor, schedule: Schedule, t: int | Tensor) -> Tensor:
    """FreeRAD equation A.7: log beta~_t at v = -1, log beta_t at v = 1, linear between."""
    low, high = log_variance_range(schedule, t)
    return per_image(low, v) + (v + 1) / 2 * per_image(high - low, v)


def respaced_log_variance(
    log_variance: Tensor, schedule: Schedule, t: int, spaced: Schedule, i: int
) -> Tensor:
    """FreeRAD Algorithm 3: carry a learned log-variance over to a re-spaced schedule.

    Equation A.7 is undone at t on ``schedule`` and applied at i on ``spaced``, where S_i = t.
    """
    low, high = log_variance_range(schedule, t)
    new_low, new_high = log_variance_range(spaced, i)
    ratio = (new_high - new_low) / (high - low) if bool(high > low) else torch.zeros_like(high)
    like = log_variance
    return per_image(new_low, like) + per_image(ratio, like) * (like - per_image(low, like))


def vb_term(
    schedule: Schedule,
    x0: Tensor,
    x_t: Tensor,
    t: Tensor,
    mean: Tensor,
    log_variance: Tensor,
) -> Tensor:
    """FreeRAD equations A.2-A.3: one term of the variational bound, in bits per dimension.

    KL(q(x_{t-1} | x_t, x0) || N(mean, exp(log_variance))) for t > 1; for t = 1 the negative
    log-likelihood of x0 in 8-bit bins under that Gaussian.

    Args:
        schedule: The forward process.
        x0: (B, C, H, W) in [-1, 1].
        x_t: (B, C, H, W).
        t: (B,) int64 in 1..T.
        mean: (B, C, H, W) of p(x_{t-1} | x_t).
        log_variance: (B, C, H, W) or (B, 1, 1, 1) of p(x_{t-1} | x_t).

    Returns:
        (B,) averages over pixels and channels.
    """
    true_mean, _, true_log_variance = posterior(schedule, x0, x_t, t)
    kl = 0.5 * (
        log_variance
        - true_log_variance
        + (true_log_variance - log_variance).exp()
        + (true_mean - mean) ** 2 * (-log_variance).exp()
        - 1
    )
    nll = -_log_likelihood_of_bin(x0, mean, log_variance)
    first = per_image(t == 1, x0).bool()
    return torch.where(first, nll, kl).flatten(1).mean(1) / math.log(2)


def hybrid_loss(
    schedule: Schedule,
    eps: Tensor,
    v: Tensor,
    x0: Tensor,
    x_t: Tensor,
    t: Tensor,
    noise: Tensor,
) -> Tensor:
    """FreeRAD equation A.6: L_simple + lambda L_vb with lambda = 0.001, per image.

    L_vb is the sum of T terms, of which one is drawn: its weight is 0.001 T, that is 1 at
    T = 1000 (Nichol & Dhariwal, 2021). The bound trains the variance alone: the mean, hence
    ``eps``, is detached from it.

    Args:
        schedule: The forward process.
        eps: (B, C, H, W) predicted noise.
        v: (B, C, H, W) predicted position between the two variances, in [-1, 1].
        x0: (B, C, H, W) in [-1, 1].
        x_t: (B, C, H, W), q_sample of x0, t and noise.
        t: (B,) int64 in 1..T.
        noise: (B, C, H, W) the noise of x_t.

    Returns:
        (B,) losses.
    """
    simple = ((noise - eps) ** 2).flatten(1).mean(1)
    mean, _, _ = posterior(schedule, x0_from_eps(schedule, x_t, t, eps.detach()), x_t, t)
    bound = vb_term(schedule, x0, x_t, t, mean, learned_log_variance(v, schedule, t))
    return simple + 0.001 * schedule.T * bound


def _log_likelihood_of_bin(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return log P(N(mean, variance) in the 8-bit bin of x); the end bins reach to infinity."""
    scale = (-0.5 * log_variance).exp()
    upper, lower = (x - mean + _BIN) * scale, (x - mean - _BIN) * scale
    # Above the mean, mirror: the difference of two small tails is exact, of two near 1 it is not.
    above = x > mean
    log_upper = torch.special.log_ndtr(torch.where(above, -lower, upper))
    log_lower = torch.special.log_ndtr(torch.where(above, -upper, lower))
    inside = log_upper + torch.log(-torch.expm1(log_lower - log_upper))
    edge = 1 - _BIN / 2
    inside = torch.where(x < -edge, torch.special.log_ndtr(upper), inside)
    return torch.where(x > edge, torch.special.log_ndtr(-lower), inside)
