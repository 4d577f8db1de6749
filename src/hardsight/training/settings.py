"""The settings of a training run, and its learning rate."""

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hardsight.core.precision import Choice

FREE = {"accelerator", "devices", "checkpoint_every", "sample_every", "log_every", "loggers"}
"""Fields that may differ when a run is resumed: they do not change its weights."""


class Settings(BaseModel):
    """How to train. An unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(default=2000, ge=0)
    """Optimiser steps; 0 only where there are trained weights to keep."""
    batch_size: int = Field(default=4, ge=1)
    """Images per step, over all devices together."""
    optimizer: Literal["adamw", "adam"] = "adamw"
    lr: float = Field(default=4e-4, gt=0)
    """The highest learning rate."""
    lr_shares: dict[str, float] = Field(default_factory=dict)
    """First part of weights' names -> share of the learning rate at which these learn."""
    weight_decay: float = Field(default=1e-4, ge=0)
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle"
    floor: float = Field(default=0.0, ge=0, le=1)
    """Share of ``lr`` at which "cosine" ends."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Fraction of the steps in which the learning rate rises."""
    ema_decay: float = Field(default=0.998, ge=0, lt=1)
    """Decay of the averaged weights, the ones that are evaluated."""
    gradient_clip: float | None = Field(default=None, gt=0)
    """Largest norm of the gradient; None: not clipped."""
    precision: Literal["auto", "bf16-mixed", "32-true"] = "auto"
    """"auto": bfloat16 autocast where this machine gains by it, see ``hardsight.core.precision``;
    a resumed run keeps what it began with."""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """"auto": where there is one; the fit of a detector is where the detector is."""
    devices: int = Field(default=1, ge=1)
    """Processes, each with its own share of the batch; on CPUs each computes with one thread."""
    seed: int = Field(default=0, ge=0)
    checkpoint_every: int = Field(default=500, ge=1)
    """Steps."""
    sample_every: int | None = Field(default=300, ge=1)
    """Steps; None: no sample pictures."""
    log_every: int = Field(default=10, ge=1)
    """Steps; a record holds the mean loss since the last."""
    loggers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ("tensorboard",)
    """What shows the curves: MLflow and Weights & Biases are extras, see
    ``hardsight.training.loggers``."""

    @model_validator(mode="after")
    def _shares_are_equal(self) -> "Settings":
        if self.batch_size % self.devices:
            raise ValueError(
                f"batch_size must be a multiple of devices = {self.devices}, got {self.batch_size}"
            )
        return self

    @property
    def precision_choice(self) -> Choice:
        """The precision by the name that detectors have for it."""
        names: dict[str, Choice] = {"auto": "auto", "bf16-mixed": "bf16", "32-true": "fp32"}
        return names[self.precision]

    def differences(self, other: dict[str, Any]) -> list[str]:
        """Name the fields that would make resuming a run with settings ``other`` another run."""
        mine = self.model_dump(mode="json")
        theirs = type(self)().model_dump(mode="json") | other
        keys = (mine.keys() | theirs.keys()) - FREE
        return sorted(k for k in keys if mine.get(k) != theirs.get(k))


def learning_rate(settings: Settings, step: int) -> float:
    """Return the learning rate of a step, step in 0..steps-1.

    "one-cycle" (Smith & Topin, 2018): half a cosine from lr / 25 up to lr, then one down to
    lr / 250000. "cosine": straight up, then half a cosine down to
    ``floor * lr``. "constant": straight up.
    """
    rise = settings.warmup * settings.steps - 1  # the last step of the rise
    fall = settings.steps - 1
    if settings.schedule == "one-cycle":
        if step <= rise:
            return _anneal(settings.lr / 25, settings.lr, step / rise if rise > 0 else 1.0)
        low = settings.lr / 25 / 1e4
        return _anneal(settings.lr, low, _part(step, max(rise, 0.0), fall))
    if step < rise:
        return settings.lr * (step + 1) / (rise + 1)
    if settings.schedule == "constant":
        return settings.lr
    low = settings.lr * settings.floor
    return _anneal(settings.lr, low, _part(step, max(rise, 0.0), settings.steps))


def _part(step: float, start: float, end: float) -> float:
    return (step - start) / (end - start) if end > start else 0.0


def _anneal(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))
