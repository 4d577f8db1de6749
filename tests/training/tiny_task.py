"""A task that trains in a second."""

import os
import signal

import torch
from torch import nn

from hardsight.training.settings import Settings


class TinyTask:
    """A small network with dropout learns to double what it sees."""

    def __init__(self, dropout=0.0, poison_at=None):
        torch.manual_seed(0)
        self.module = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4) if dropout else nn.Identity(),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv2d(4, 1, 3, padding=1),
        )
        self.poison_at = poison_at
        self.batches = 0

    def batch(self, size, generator):
        self.batches += 1
        x = torch.randn(size, 1, 6, 6, generator=generator)
        if self.batches == self.poison_at:
            x = x * torch.nan
        return x, torch.randn(size, 1, 6, 6, generator=generator)

    def loss(self, x, noise):
        return (self.module(x + 0.1 * noise) - 2 * x).square().mean()


class PictureTask(TinyTask):
    """As well as a picture: its output on a constant image."""

    def sample(self, module):
        return module(torch.ones(1, 1, 6, 6))[0].expand(3, 6, 6)


def tiny_settings(**more):
    base = {"steps": 24, "batch_size": 4, "lr": 1e-2, "precision": "32-true", "log_every": 4}
    return Settings(**(base | {"accelerator": "cpu", "checkpoint_every": 5} | more))


def die_at(step):
    def on_step(record):
        if record.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def same(a, b):
    """Tell whether two modules have equal weights."""
    return all(torch.equal(x, b.state_dict()[k]) for k, x in a.state_dict().items())
