"""The threat models: where a perturbed image may lie, and how to move inside."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import torch
from torch import Tensor

from hardsight.core.batches import per_image


def l2_norm(x: Tensor) -> Tensor:
    """Return norms (B, 1, ...) of (B, ...) that never divide to NaN: zero stays zero.

    Squares are taken of shares of the largest entry: of the entries themselves, below 1e-23, they
    would be zero in single precision, as are those of the gradient of a loss that is nearly flat.
    """
    flat, tiny = x.flatten(1), torch.finfo(x.dtype).tiny
    largest = flat.abs().amax(1, keepdim=True).clamp_min(tiny)
    norm = largest.squeeze(1) * (flat / largest).norm(dim=1)
    return per_image(norm, x).clamp_min(tiny)


def _sum(x: Tensor) -> Tensor:
    """Sum (B, ...) to (B, 1, ...)."""
    return per_image(x.flatten(1).sum(1), x)


def _rows(like: Tensor) -> Tensor:
    """Return an empty tensor in row order: random numbers must not depend on a memory format."""
    return torch.empty_like(like, memory_format=torch.contiguous_format)


_ROUNDS = 20
"""Rounds of the projection onto ball and pixel range; two to six are usual."""


@dataclass(frozen=True)
class Ball(ABC):
    """All images within ``eps`` of a centre, and inside [0, 1].

    Args:
        eps: radius in [0, 1] pixel units; 0 allows no change at all.
    """

    eps: float
    name: ClassVar[str]
    path: ClassVar[float] = 2.5
    """Length of all steps of a PGD together, in radii, unless it is told otherwise."""

    def __post_init__(self) -> None:
        if not (isinstance(self.eps, Real) and math.isfinite(self.eps) and self.eps >= 0):
            text = "; parse_radius reads a text" if isinstance(self.eps, str) else ""
            raise ValueError(f"eps must be a finite number >= 0, got {self.eps!r}{text}")

    @abstractmethod
    def project(self, x: Tensor, centre: Tensor) -> Tensor:
        """Return each image of ``x`` moved into the ball round its centre, and into [0, 1]."""

    @abstractmethod
    def random_start(self, centre: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw a start uniformly from the ball, projected."""

    @abstractmethod
    def ascend(self, x: Tensor, gradient: Tensor, step_size: float | Tensor) -> Tensor:
        """Take the steepest-ascent step of length ``step_size`` in this norm; no projection.

        A length per image has shape (B, 1, 1, 1).
        """

    @abstractmethod
    def distance(self, x: Tensor, centre: Tensor) -> Tensor:
        """Return the norm (B,) of ``x - centre``."""


@dataclass(frozen=True)
class Linf(Ball):
    """Every pixel may change by at most ``eps`` (FreeRAD, Eq. 3.1)."""

    name: ClassVar[str] = "Linf"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eps > 1:
            # else it was a share, or a fraction as 300/255
            whole = self.eps <= 255 and float(self.eps).is_integer()
            way = f"did you mean {self.eps:g}/255?" if whole else "take less, as 8/255"
            raise ValueError(
                f"eps={self.eps:g} is more than the whole range of a pixel, which is [0, 1]; {way}"
            )

    def project(self, x: Tensor, centre: Tensor) -> Tensor:
        """Clamp every pixel."""
        return torch.minimum(torch.maximum(x, centre - self.eps), centre + self.eps).clamp(0, 1)

    def random_start(self, centre: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw every pixel uniformly."""
        offset = _rows(centre).uniform_(-self.eps, self.eps, generator=generator)
        return self.project(centre + offset, centre)

    def ascend(self, x: Tensor, gradient: Tensor, step_size: float | Tensor) -> Tensor:
        """Step by the sign of the gradient."""
        return x + step_size * gradient.sign()

    def distance(self, x: Tensor, centre: Tensor) -> Tensor:
        """Return the largest change (B,) of a pixel."""
        return (x - centre).flatten(1).abs().amax(1)


@dataclass(frozen=True)
class L2(Ball):
    """The Euclidean norm over all pixels and channels is at most ``eps`` (FreeRAD, Eq. 3.2)."""

    name: ClassVar[str] = "L2"
    path: ClassVar[float] = 5.0
    """What a random start puts across the gradient, projection shrinks by e^-(path - 1) only."""

    def project(self, x: Tensor, centre: Tensor) -> Tensor:
        """Find the nearest point of ball and pixel range together.

        It is ``clamp(centre + s (x - centre))`` for one s per image. The loop raises s from below,
        each time spending on the free pixels what those at their bound leave over; it ends at the
        exact s, or at the cap slightly inside the ball.
        """
        offset = x - centre
        scale = (self.eps / l2_norm(offset)).clamp_max(1.0)
        shortened = centre + offset * scale
        found = shortened.clamp(0, 1)
        if torch.equal(found, shortened):
            return found
        squares = offset.square()
        room = torch.where(offset > 0, 1 - centre, centre).square()
        tiny = torch.finfo(x.dtype).tiny
        for _ in range(_ROUNDS):
            held = squares * scale.square() >= room
            left = (self.eps**2 - _sum(room * held)).clamp_min(0)
            free = _sum(squares * ~held).clamp_min(tiny)
            last, scale = scale, (left / free).sqrt().clamp(max=1).maximum(scale)
            if bool((scale <= last * (1 + 1e-6)).all()):
                break
        return (centre + offset * scale).clamp(0, 1)

    def random_start(self, centre: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw a direction, and a radius whose d-th power is uniform."""
        direction = _rows(centre).normal_(generator=generator)
        d = centre[0].numel()
        u = torch.empty(len(centre), dtype=centre.dtype, device=centre.device)
        radius: Tensor = self.eps * u.uniform_(generator=generator) ** (1 / d)
        start = centre + direction / l2_norm(direction) * per_image(radius, centre)
        return self.project(start, centre)

    def ascend(self, x: Tensor, gradient: Tensor, step_size: float | Tensor) -> Tensor:
        """Step along the gradient."""
        return x + step_size * (gradient / l2_norm(gradient))

    def distance(self, x: Tensor, centre: Tensor) -> Tensor:
        """Return the Euclidean length (B,) of the change."""
        length: Tensor = (x - centre).flatten(1).norm(dim=1)
        return length


def demand_ball(ball: object) -> None:
    """Refuse what stands where an attack has its threat model.

    Raises:
        TypeError: no ball.
    """
    if not isinstance(ball, Ball):
        raise TypeError(
            f"ball must be a threat model as Linf(8 / 255) or L2(1.0), got {ball!r:.80}; a threat "
            "with parameters is attacked by ParameterSpace, and the model is of the objective"
        )


BALLS: dict[str, Callable[[float], Ball]] = {"Linf": Linf, "L2": L2}
"""Norm name -> ball, for configuration."""


def parse_radius(text: str | float) -> float:
    """Read a radius as people write it: ``"8/255"``, ``"0.03"`` or a number.

    Raises:
        ValueError: not a number or fraction, or negative.

    Examples:
        >>> parse_radius("51/255")
        0.2
    """
    try:
        top, _, bottom = str(text).partition("/")
        value = float(top) / (float(bottom) if bottom else 1.0)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"eps={text!r} is not a number; write 8/255 or 0.0314") from None
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"eps={text!r} must be finite and >= 0")
    return value


def build_ball(norm: str, eps: str | float) -> Ball:
    """Return the ball called ``norm`` ("Linf" or "L2") with radius ``eps``.

    Raises:
        ValueError: an unknown norm, or a radius that is not one (an eps of 8 instead of 8/255).
    """
    known = {name.lower(): ball for name, ball in BALLS.items()}
    if norm.lower() not in known:
        raise ValueError(f"norm={norm!r} is not known; choose from {', '.join(BALLS)}")
    return known[norm.lower()](parse_radius(eps))
