"""Denoisers whose answers are known, for the tests of chains."""

import math

import torch
from torch import nn

from hardsight.diffusion.base import Denoiser


class GaussianData(Denoiser):
    """The exact denoiser of images with independent N(m, s^2) pixels."""

    def __init__(self, schedule, m=0.3, s=0.25):
        super().__init__(schedule)
        self.m, self.s = m, s

    def forward(self, x_t, t):
        ab = float(self.schedule.alpha_bar(t))
        gain = math.sqrt(ab) * self.s**2 / (ab * self.s**2 + 1 - ab)
        return self.m + gain * (x_t - math.sqrt(ab) * self.m)


class Smooth(Denoiser):
    """A smooth nonlinear network in float64, with more activations than input."""

    def __init__(self, schedule, channels=2, width=16):
        super().__init__(schedule)
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            self.net = nn.Sequential(
                nn.Conv2d(channels, width, 3, padding=1),
                nn.SiLU(),
                nn.Conv2d(width, channels, 3, padding=1),
            ).double()

    def forward(self, x_t, t):
        return torch.tanh(self.net(x_t))


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
