"""Diffusion: schedules, the Gaussian process, denoisers and reconstruction. Images in [-1, 1]."""

from hardsight.diffusion.base import Denoiser, Prediction
from hardsight.diffusion.denoisers import DENOISERS, build_denoiser
from hardsight.diffusion.fast import FastDenoiser
from hardsight.diffusion.reconstruct import arbitrary_shot, full_shot, one_shot
from hardsight.diffusion.schedule import SCHEDULES, Schedule, build_schedule
from hardsight.diffusion.unet import PaperDenoiser

__all__ = [
    "DENOISERS",
    "SCHEDULES",
    "Denoiser",
    "FastDenoiser",
    "PaperDenoiser",
    "Prediction",
    "Schedule",
    "arbitrary_shot",
    "build_denoiser",
    "build_schedule",
    "full_shot",
    "one_shot",
]
