"""Purifiers and classifiers whose best attack is known, and the attack of them."""

import torch
from torch import Generator, nn

from hardsight.attacks.class_suites import LabelledVictim, class_suite
from hardsight.purifiers import Purifier

EPS = 0.03
DOUBLE = torch.float64


class Linear(nn.Module):
    """Two classes by the sign of w.(x - 1/2)."""

    def __init__(self, w, scale=1.0):
        super().__init__()
        self.w, self.scale = w.to(DOUBLE), scale

    def forward(self, x):
        s = self.scale * ((x - 0.5).flatten(1) @ self.w)
        return torch.stack([-s, s], 1)

    def best(self, x, labels, eps=EPS):
        """The L-inf attack that is best at every positive slope: against w for its class."""
        side = (1 - 2 * labels).to(DOUBLE)[:, None]
        return (x.flatten(1) + eps * side * self.w.sign()).view_as(x).clamp(0, 1)


class Shake(Purifier):
    """Adds noise to every pixel, so that votes differ."""

    size = 0.15

    def sample_noise(self, images, generator=None):
        return self.size * torch.randn(images.shape, generator=generator, dtype=images.dtype)

    def forward(self, images, noise=None):
        return images + noise


W = torch.tensor([3.0, -1.0])
POINTS = 0.5 + 0.1 * torch.randn(8, 1, 1, 2, generator=Generator().manual_seed(0), dtype=DOUBLE)
LABELS = (Linear(W)(POINTS)[:, 1] > 0).long()


def attacked(name, model, x=POINTS, labels=LABELS, norm="Linf", **own):
    own = {"steps": 5, "draws": 2, "objectives": ("ce",)} | own
    victim = LabelledVictim(model, labels, classes=2)
    return class_suite(name, norm, EPS, **own)(victim, x, Generator().manual_seed(0))
