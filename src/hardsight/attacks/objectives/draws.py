"""Draws of noise in one batch: what every objective of a random model shares."""

import copy
import math
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, autograd, nn

from hardsight.attacks.balls import l2_norm
from hardsight.core.batches import at_least_single
from hardsight.core.capabilities import Scoring, averaged_draws, draws_noise
from hardsight.core.global_generators import kept_generators
from hardsight.core.modules import in_mode
from hardsight.core.repeatability import ASKED

Model = nn.Module | Callable[..., Any]
"""images (B, C, H, W) -> anything with a batch dimension; with a method ``sample_noise(images,
generator)`` it is called with (images, noise) instead, like a Detector."""

PASS = {"cpu": 2**18}
"""Numbers of the images in one pass of a gradient, by type of device: on a CPU more of them only
leave the caches. Elsewhere ``WIDE_PASS``, 170 images of 3 x 256 x 256, for the sake of memory."""
WIDE_PASS = 2**25


class _Repeated(Protocol):
    repeats: int


T = TypeVar("T", bound=_Repeated)


class _UnitGradients(autograd.Function):
    """The identity; backwards, every row's gradient gets length 1 / n."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, n: int) -> Tensor:
        ctx.n = n
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient / l2_norm(gradient) / ctx.n, None


def count_repeats(model: Model, draws: int, noise: Tensor | None = None) -> int:
    """Return how often each image is evaluated for ``draws`` single draws of noise.

    A model that itself averages D draws (its attribute ``draws``) is evaluated
    ``ceil(draws / D)`` times; with fixed ``noise``, once.

    Raises:
        ValueError: fewer draws than one.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    return 1 if noise is not None else math.ceil(draws / averaged_draws(model))


def evaluate_draws(
    model: Model,
    images: Tensor,
    repeats: int,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
    unit_gradients: bool = False,
    scores: bool = False,
) -> Any:
    """Evaluate a random model ``repeats`` times on each image in one batch (Athalye et al., 2018).

    Rows of the output are ordered image by image: draw d of image b is row ``b * repeats + d``. A
    model whose ``sample_noise`` returns None is deterministic and evaluated once.

    Args:
        model: see ``Model``; without ``sample_noise`` its randomness, if any, is its own.
        images: (B, C, H, W) in [0, 1].
        repeats: from ``count_repeats``.
        generator: where fresh noise comes from.
        noise: fixed noise for B * repeats rows; None draws it afresh.
        unit_gradients: backwards, bring the gradient of each evaluation to unit length before
            they are averaged, so that no draw outweighs the others.
        scores: ask a model that has a method ``score_only``, as every Detector has, for no more.

    Returns:
        The model's output for B * repeats rows, or for B rows if it is deterministic.
    """
    run: Any = model.score_only if scores and isinstance(model, Scoring) else model
    x = images.repeat_interleave(repeats, dim=0)  # a copy: a model may change what it is given
    if draws_noise(model) and noise is None:
        noise = model.sample_noise(x, generator)
        if noise is None and repeats > 1:
            x, repeats = images.clone(), 1
    if unit_gradients:
        x = _UnitGradients.apply(x, repeats)
    return run(x, noise) if draws_noise(model) or noise is not None else run(x)


def mean_over_draws(values: Tensor, batch: int) -> Tensor:
    """Average (batch * n, ...) over each image's n evaluations to (batch, ...).

    Half precision is widened first: it would round a mean of scores to one of them.
    """
    return at_least_single(values).view(batch, -1, *values.shape[1:]).mean(1)


def split_draws(objective: T, model: Model, images: Tensor) -> list[tuple[float, T]]:
    """Return objectives of fewer draws, one for each pass of a gradient, and their shares.

    All draws are in one pass unless it would be larger than ``PASS`` or ``WIDE_PASS``.

    Args:
        objective: has ``repeats`` evaluations of each image, which this divides.
        model: what is evaluated; a deterministic one leaves nothing to divide.
        images: (B, C, H, W).
    """
    most = max(1, PASS.get(images.device.type, WIDE_PASS) // images.numel())
    if objective.repeats <= most or is_random(model, images) is False:
        return [(1.0, objective)]
    passes = math.ceil(objective.repeats / most)
    parts = []
    for i in range(passes):
        part = copy.copy(objective)
        part.repeats = objective.repeats * (i + 1) // passes - objective.repeats * i // passes
        parts.append((part.repeats / objective.repeats, part))
    return parts


def repeats_itself(model: Model, images: Tensor) -> bool:
    """Tell whether a model, in eval mode, gives an image one answer however often it is asked.

    One with ``sample_noise`` says so. Another is asked ``ASKED`` times about the first image, and
    believed where its answers are tensors and equal to the last bit.
    """
    random = is_random(model, images)
    if random is not None:
        return not random
    modules = [model] if isinstance(model, nn.Module) else []
    with torch.no_grad(), in_mode("eval", *modules), kept_generators(images.device):
        first, *others = (model(images[:1].clone()) for _ in range(ASKED))
    return isinstance(first, Tensor) and all(torch.equal(first, other) for other in others)


def is_random(model: Model, images: Tensor) -> bool | None:
    """Return whether a model draws noise; None where it has no ``sample_noise`` to tell by."""
    if not draws_noise(model):
        return None
    aside = torch.Generator(images.device).manual_seed(0)  # disturbs no other randomness
    return model.sample_noise(images[:1], aside) is not None
