"""Averaged weights."""

import copy

import torch
from torch import nn


class Ema:
    """An exponential moving average of a module's weights, with warm-up.

    After update n = 1, 2, ... the weight kept of the past is min(decay, (1 + n) / (10 + n)), so
    that a short run is not averaged with its random start. Buffers are copied.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, module: nn.Module, n: int) -> None:
        """Move the average towards ``module``; n = 1 at the first update."""
        kept = min(self.decay, (1 + n) / (10 + n))
        for average, value in zip(self.module.parameters(), module.parameters(), strict=True):
            average.lerp_(value, 1 - kept)
        for kept_buffer, buffer in zip(self.module.buffers(), module.buffers(), strict=True):
            kept_buffer.copy_(buffer)
