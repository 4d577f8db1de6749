"""Objectives whose best attack is known: in closed form, or by looking everywhere."""

import math

import torch
from scipy.optimize import brentq
from torch import Tensor
from torch.nn import functional as F

from hardsight.attacks import Ball, Linf


class Linear:
    """s(x) = w . x: away from the bounds the best gain is eps ||w||_1 (L-inf), eps ||w||_2 (L2)."""

    def __init__(self, shape: tuple[int, ...], seed: int = 0) -> None:
        self.w = torch.randn(
            shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
        )

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return (images * self.w).flatten(1).sum(1)

    def best_gain(self, ball: Ball, images: Tensor) -> Tensor:
        """(B,) the most that any image of ball and pixel range together gains."""
        if isinstance(ball, Linf):
            corner = torch.where(self.w > 0, images + ball.eps, images - ball.eps).clamp(0, 1)
            return self(corner) - self(images)
        return torch.stack([self._best_l2(ball.eps, x[None]) for x in images])

    def _best_l2(self, eps: float, x: Tensor) -> Tensor:
        """The optimum is clamp(x + t w) for the t at which its distance is eps."""

        def reach(t: float) -> Tensor:
            return (x + t * self.w).clamp(0, 1)

        t = brentq(lambda t: float((reach(t) - x).norm()) - eps, 0, 1e6, xtol=1e-14)
        return (self(reach(t)) - self(x))[0]


def bumps(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Several hills and valleys over the unit square, for images (B, 1, 1, 2)."""
    u, v = images[:, 0, 0, 0], images[:, 0, 0, 1]
    return 1.5 + torch.sin(9 * u) * torch.cos(7 * v) + 0.5 * torch.sin(5 * (u + v) + 1)


def net(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A fixed smooth network on (B, 1, 1, 2), of two-moons size."""
    g = torch.Generator().manual_seed(5)
    first, second = (torch.randn(n, generator=g, dtype=torch.float64) for n in ((2, 24), (24, 1)))
    bias = 2 * torch.randn(24, generator=g, dtype=torch.float64)
    hidden = torch.tanh((images.flatten(1) - 0.5) @ (4 * first) + bias)
    return F.softplus(hidden @ second).squeeze(1)


def grid_best(victim, ball: Ball, images: Tensor, side: int = 301) -> Tensor:
    """(B,) the best of a fine grid over ball and pixel range, for images (B, 1, 1, 2)."""
    best = []
    for x in images:
        axis = torch.linspace(-ball.eps, ball.eps, side, dtype=x.dtype)
        points = torch.cartesian_prod(axis, axis).view(-1, 1, 1, 2) + x
        inside = (ball.distance(points, x[None]) <= ball.eps) & (points == points.clamp(0, 1)).all(
            (1, 2, 3)
        )
        best.append(victim(points[inside]).max())
    return torch.stack(best)


def two_dimensional(count: int = 8, seed: int = 0) -> Tensor:
    """(count, 1, 1, 2) points of the unit square, some near its bounds."""
    return torch.rand(
        count, 1, 1, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )


def ill_conditioned(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A paraboloid 10,000 times steeper along one axis than along another."""
    d = images[0].numel()
    steepness = torch.logspace(0, 4, d, dtype=images.dtype)
    target = 0.5 + 0.2 * torch.cos(math.pi * torch.arange(d, dtype=images.dtype))
    return -(steepness * (images.flatten(1) - target) ** 2).sum(1)
