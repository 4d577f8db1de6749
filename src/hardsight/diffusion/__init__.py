"""Diffusion: schedules, the Gaussian process, denoisers and reconstruction. Images in [-1, 1]."""

from hardsight.diffusion.base import Denoiser, Prediction
from hardsight.diffusion.ddim import ddim, draws_of, sub_sequence
from hardsight.diffusion.denoisers import DENOISERS, build_denoiser
from hardsight.diffusion.fast import FastDenoiser
from hardsight.diffusion.reconstruct import arbitrary_shot, full_shot, one_shot
from hardsight.diffusion.schedule import SCHEDULES, Schedule, build_schedule
from hardsight.diffusion.sde import adjoint_sde, reverse_sde
from hardsight.diffusion.tiled import TILES, TiledDenoiser
from hardsight.diffusion.unet import PaperDenoiser

__all__ = [
    "DENOISERS",
    "SCHEDULES",
    "TILES",
    "Denoiser",
    "FastDenoiser",
    "PaperDenoiser",
    "Prediction",
    "Schedule",
    "TiledDenoiser",
    "adjoint_sde",
    "arbitrary_shot",
    "build_denoiser",
    "build_schedule",
    "ddim",
    "draws_of",
    "full_shot",
    "one_shot",
    "reverse_sde",
    "sub_sequence",
]
