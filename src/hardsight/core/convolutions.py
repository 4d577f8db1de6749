"""The convolutions by which a machine is measured: forward and backward, as the networks have."""

import time

import torch
import torch.nn.functional as F
from torch import Tensor

CHANNELS = 48
BATCH = {"cpu": 1, "cuda": 32}
"""Type of device -> feature maps at once."""


def layers(side: int, kind: str) -> list[Tensor]:
    """Return feature maps (B, C, side, side) and the weights of two 3 x 3 convolutions."""
    generator = torch.Generator().manual_seed(0)
    shapes = (BATCH[kind], CHANNELS, side, side), *[(CHANNELS, CHANNELS, 3, 3)] * 2
    drawn = (torch.randn(s, generator=generator).mul_(0.05) for s in shapes)
    return [d.to(kind).requires_grad_() for d in drawn]


def step(x: Tensor, weights: list[Tensor], low: bool) -> None:
    """Take one forward and backward pass, in bfloat16 where ``low``."""
    with torch.autocast(x.device.type, torch.bfloat16, enabled=low):
        h = x
        for w in weights:
            h = F.silu(F.conv2d(h, w, padding=1))
    torch.autograd.grad(h.float().square().sum(), [x, *weights])


def now(kind: str) -> float:
    """Return the seconds of this thread on a CPU, of the clock once a GPU has done all it had."""
    if kind == "cpu":
        return time.thread_time()
    torch.cuda.synchronize()
    return time.perf_counter()
