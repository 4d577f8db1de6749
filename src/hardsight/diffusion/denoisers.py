"""The denoisers by name."""

from collections.abc import Mapping
from typing import Any

from hardsight.diffusion.base import Denoiser
from hardsight.diffusion.fast import FastDenoiser
from hardsight.diffusion.schedule import build_schedule
from hardsight.diffusion.unet import PaperDenoiser

DENOISERS: dict[str, type[FastDenoiser] | type[PaperDenoiser]] = {
    "fast": FastDenoiser,
    "paper": PaperDenoiser,
}


def build_denoiser(config: Mapping[str, Any]) -> Denoiser:
    """Return an untrained denoiser from ``{"name": ..., "schedule": {...}, arguments ...}``.

    Raises:
        ValueError: an unknown name, or settings the denoiser refuses.
        TypeError: an argument the denoiser does not have.
    """
    settings = dict(config)
    name = settings.pop("name", None)
    if name not in DENOISERS:
        raise ValueError(f"unknown denoiser {name!r}; choose one of {sorted(DENOISERS)}")
    schedule = settings.pop("schedule", None)
    if schedule is not None:
        settings["schedule"] = build_schedule(schedule)
    return DENOISERS[name](**settings)
