"""Gradients of an objective with respect to the images it is evaluated on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn


class Objective(Protocol):
    """What an attacker maximises: a function from images to one number per image."""

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B,); fresh noise comes from ``generator``."""
        ...


def scheduled(objective: Objective, fraction: float) -> Objective:
    """Return the objective for the moment when ``fraction`` of the steps, in [0, 1], are done.

    An objective that changes over the attack (SegPGD's weights) has a method ``at(fraction)``; any
    other is returned as it is. What was found is judged at 1.
    """
    at = getattr(objective, "at", None)
    found: Objective = objective if at is None else at(fraction)
    return found


def aimed_at(objective: Objective) -> object:
    """Return the model that an objective evaluates, its attribute ``model``; None: it names none.

    While an objective that names its model is attacked, the model is in eval mode.
    """
    return getattr(objective, "model", None)


def evaluate(objective: Objective, images: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the objective (B,) of images without a gradient, in at least single precision.

    Raises:
        TypeError: it returns no tensor.
        ValueError: it returns anything but one finite number an image.
    """
    with torch.no_grad():
        values = _demand_values(objective(images, generator), images)
    _demand_finite(values)
    return values if values.dtype == torch.float64 else values.float()


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
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


def value_and_gradient(
    objective: Objective, images: Tensor, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Return the objective (B,) and its exact gradient (B, C, H, W), both detached.

    The images' objectives are summed, never averaged: no image's gradient depends on its batch.
    Where the objective averages over noise draws, this is the EOT gradient of Athalye et al.
    (2018): the mean of the draws' gradients, taken in one batched pass. An objective of more draws
    than one pass should hold has a method ``parts(images) -> [(share, objective), ...]`` whose
    weighted mean it is; the passes follow each other and need the memory of one.

    Raises:
        TypeError: the objective returns no tensor.
        ValueError: it returns anything but one finite number an image, no gradient reaches the
            images, or it is not finite.
    """
    split = getattr(objective, "parts", None)
    parts = [(1.0, objective)] if split is None else split(images)
    share, part = parts[0]
    values, gradient = _one_pass(part, share, images, generator)
    for share, part in parts[1:]:
        more, slope = _one_pass(part, share, images, generator)
        values, gradient = values + more, gradient + slope
    if not bool(values.isfinite().all() & gradient.isfinite().all()):
        _demand_finite(values)
        raise ValueError("the gradient of the objective is not finite (NaN or infinity)")
    return values, gradient


def _one_pass(
    objective: Objective, share: float, images: Tensor, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Return ``share`` times the objective and its gradient."""
    x = images.detach().requires_grad_(True)
    with torch.enable_grad():
        values = _demand_values(objective(x, generator), x)
        total = values.sum() * share
    gradient = None
    if values.requires_grad:  # or only the model's weights do
        (gradient,) = torch.autograd.grad(total, x, allow_unused=True)
    if gradient is None:
        raise ValueError(
            "no gradient reaches the images: the detector scores under no_grad, in inference_mode "
            "or detaches on the way; a robust number without a gradient would be false"
        )
    return share * values.detach(), gradient


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
