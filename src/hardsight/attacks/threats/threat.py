"""What a threat with parameters is."""

import inspect
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar, TypeGuard

import torch
from torch import Tensor

from hardsight.synthesis.warps import pixel_axes


@dataclass(frozen=True)
class Threat(ABC):
    """All images that a change of bounded parameters makes of one.

    The parameters are a tensor in [0, 1], which ``ParameterSpace`` lets any attack move in as if
    it were an image. ``eps`` says how far the change goes at the ends of that range.

    Args:
        eps: severity, 0 to 1; 0 allows no change, except where a subclass says otherwise.
    """

    eps: float
    name: ClassVar[str]
    default: ClassVar[float]
    """Severity that is taken where none is asked for."""
    severity: ClassVar[str]
    """What ``eps`` is, in words."""
    moves: ClassVar[bool] = False
    """Whether what is in the image changes its place, so that a mask is not that of it any more."""

    shared: ClassVar[bool] = False
    """Whether all images of a set have the same parameters."""

    @classmethod
    def change(cls) -> str:
        """Return what an attacker may do in a sentence: the first of the docstring."""
        return (inspect.getdoc(cls) or "").partition("\n")[0].replace("``", "")

    def __post_init__(self) -> None:
        if not (isinstance(self.eps, Real) and math.isfinite(self.eps) and 0 <= self.eps <= 1):
            raise ValueError(f"eps of {self.name} must be in [0, 1], got {self.eps!r}")

    def shape(self, images: Tensor) -> tuple[int, int, int]:
        """Return the shape (K, h, w) of the parameters of one image: one for each of its values."""
        channels, height, width = images.shape[1:]
        return channels, height, width

    @abstractmethod
    def apply(
        self, images: Tensor, parameters: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return the changed images, differentiable in the parameters.

        Args:
            images: (B, C, H, W) in [0, 1].
            parameters: (B, K, h, w) in [0, 1].
            generator: of what the attacker does not control, if there is any; None: its mean.

        Returns:
            (B, C, H, W) in [0, 1]: what a camera cannot record is cut off.
        """


def is_shared(threat: object) -> TypeGuard[Threat]:
    """Tell whether a threat model is one change for all images of a set."""
    return isinstance(threat, Threat) and threat.shared


def signed(parameters: Tensor) -> Tensor:
    """Return parameters in [0, 1] as numbers in [-1, 1]."""
    return 2 * parameters - 1


def axes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the middles of pixels, rows (H, 1) and columns (1, W); the ends are -1 and 1."""
    rows, columns = pixel_axes(images)
    return rows * (2 / len(rows)), columns * (2 / columns.shape[1])
