"""Gradients of an objective with respect to the images it is evaluated on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from hardsight.attacks.contract import Divisible, Objective, scheduled
from hardsight.core.batches import at_least_single

NONFINITE = "the gradient of the objective is not finite (NaN or infinity)"


def evaluate(objective: Objective, images: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the objective (B,) of images without a gradient, in at least single precision.

    Raises:
        TypeError: it returns no tensor.
        ValueError: it returns anything but one finite number an image.
    """
    with torch.no_grad():
        values = _demand_values(objective(images, generator), images)
    _demand_finite(values)
    return at_least_single(values)


class Parametrised(Protocol):
    """What has parameters, as every module."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield them."""


@contextmanager
def frozen(*modules: Parametrised) -> Iterator[None]:
    """Switch the parameters' gradients off meanwhile: an attack needs those of the images alone.

    This saves the weight half of every backward pass, about a third of an attack's time.
    """
    parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
    for p in parameters:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)


class Oracle:
    """The first-order oracle of an attack: objective and gradient at a point.

    Entries of a gradient that are NaN or infinite, as where a score saturates, become zero: an
    attack follows what is left, or stands still. Zero gradients make a model look robust, so the
    images are remembered, and the attack names them in its result.

    Args:
        objective: of the images, see ``Scheduled`` for one that changes over the attack.
        images: (B, C, H, W), of which only the number counts.
        generator: where fresh noise comes from.
    """

    def __init__(
        self, objective: Objective, images: Tensor, generator: torch.Generator | None
    ) -> None:
        self.objective, self.generator = objective, generator
        self.nonfinite = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        """(B,) the images at which a gradient was not finite."""

    def __call__(self, x: Tensor, fraction: float = 1.0) -> tuple[Tensor, Tensor]:
        """Return objective (B,) and gradient (B, C, H, W) when ``fraction`` of the steps are done.

        Raises:
            TypeError, ValueError: as ``value_and_gradient``, but for a gradient that is not finite.
        """
        now = scheduled(self.objective, fraction)
        values, gradient = _evaluated(now, x, self.generator)
        finite = gradient.isfinite()
        if not bool(finite.all() & values.isfinite().all()):
            _demand_finite(values)
            self.nonfinite |= ~finite.flatten(1).all(1)
            gradient = gradient.where(finite, 0.0)
        return values, gradient

    def demand_finite(self) -> None:
        """Raise ValueError if a gradient was not finite."""
        if bool(self.nonfinite.any()):
            raise ValueError(NONFINITE)


def value_and_gradient(
    objective: Objective, images: Tensor, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Return the objective (B,) and its exact gradient (B, C, H, W), both detached.

    The images' objectives are summed, never averaged: no image's gradient depends on its batch.
    Where the objective averages over noise draws, this is the EOT gradient of Athalye et al.
    (2018): the mean of the draws' gradients, taken in one batched pass. The parts of a
    ``Divisible`` objective follow each other and need the memory of one.

    Raises:
        TypeError: the objective returns no tensor.
        ValueError: it returns anything but one finite number an image, no gradient reaches the
            images, or it is not finite.
    """
    values, gradient = _evaluated(objective, images, generator)
    if not bool(values.isfinite().all() & gradient.isfinite().all()):
        _demand_finite(values)
        raise ValueError(NONFINITE)
    return values, gradient


def _evaluated(
    objective: Objective, images: Tensor, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Return the objective and its gradient as they are, finite or not."""
    parts = objective.parts(images) if isinstance(objective, Divisible) else [(1.0, objective)]
    share, part = parts[0]
    values, gradient = _one_pass(part, share, images, generator)
    for share, part in parts[1:]:
        more, slope = _one_pass(part, share, images, generator)
        values, gradient = values + more, gradient + slope
    return values, gradient


def _one_pass(
    objective: Objective, share: float, images: Tensor, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Return ``share`` times the objective and its gradient."""
    x = images.detach().requires_grad_(True)
    with torch.enable_grad():
        values = _demand_values(objective(x, generator), x)
        total = values.sum()
    gradient = None
    if values.requires_grad:  # or only the model's weights do
        (gradient,) = torch.autograd.grad(total, x, allow_unused=True)
    if gradient is None:
        raise ValueError(
            "no gradient reaches the images: the model computes under no_grad, in inference_mode "
            "or detaches on the way; a robust number without a gradient would be false"
        )
    return share * values.detach(), share * gradient  # not before: it may have been normalised


def _demand_values(values: Tensor, images: Tensor) -> Tensor:
    """Return what an objective said of images, if it is one value an image."""
    if not isinstance(values, Tensor):
        raise TypeError(
            f"objective must return a tensor (B,), got {type(values).__name__}; "
            "return the score of a Detection, for example"
        )
    if values.shape != images.shape[:1]:
        raise ValueError(
            f"objective must return one value per image, ({len(images)},), "
            f"got {tuple(values.shape)}"
        )
    return values


def _demand_finite(values: Tensor) -> None:
    """Refuse values (B,) that no attack can compare."""
    if not bool(values.isfinite().all()):
        bad = int((~values.isfinite()).sum())
        raise ValueError(
            f"objective must return finite values, got NaN or infinity for {bad} of {len(values)} "
            "images; look at the model's output on them"
        )
