"""What an objective is, and what else it may offer: small protocols, of one member each."""

from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor


class Objective(Protocol):
    """What an attacker maximises: a function from images to one number per image."""

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return (B,) of images (B, C, H, W) in [0, 1]; fresh noise comes from ``generator``."""
        ...


@runtime_checkable
class Aimed(Protocol):
    """Names the model that it evaluates, which is in eval mode while it is attacked."""

    @property
    def model(self) -> Any:
        """Return a module, or any function of images."""
        ...


@runtime_checkable
class Scheduled(Protocol):
    """Changes over the attack, as SegPGD's weights do; what was found is judged at 1."""

    def at(self, fraction: float) -> Objective:
        """Return the objective for the moment when ``fraction`` of the steps are done."""
        ...


@runtime_checkable
class Divisible(Protocol):
    """Averages more draws of noise than one pass should hold."""

    def parts(self, images: Tensor) -> list[tuple[float, Objective]]:
        """Return (share, objective) pairs whose weighted mean it is."""
        ...


@runtime_checkable
class Selectable(Protocol):
    """Belongs to the images of a batch, in order."""

    def take(self, index: Tensor) -> Self:
        """Return the same for the images that ``index``, (n,) integers or (B,) bool, picks."""
        ...


@runtime_checkable
class Vectorial(Protocol):
    """Has more to say than one number an image."""

    def outputs(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return (B, K) of images (B, C, H, W), oriented so that more helps the attacker."""
        ...


@runtime_checkable
class Labelled(Protocol):
    """Knows the true classes."""

    @property
    def labels(self) -> Tensor:
        """Return (B,) int64."""
        ...


def scheduled(objective: Objective, fraction: float) -> Objective:
    """Return the objective for the moment when ``fraction`` of the steps, in [0, 1], are done."""
    return objective.at(fraction) if isinstance(objective, Scheduled) else objective
