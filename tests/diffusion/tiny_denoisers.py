"""Small denoisers with seeded weights, and seeded noise."""

import torch

from hardsight.diffusion.denoisers import FastDenoiser, PaperDenoiser

TINY = {"size": 16, "channels": 8, "multipliers": (1, 2), "blocks": 1, "attention_size": 8}


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def tiny_paper(**more):
    torch.manual_seed(0)
    return PaperDenoiser(**(TINY | more)).eval()


def tiny_fast(**more):
    torch.manual_seed(0)
    return FastDenoiser(**({"size": 16, "patch": 2, "channels": 8, "multipliers": (1, 2)} | more))
