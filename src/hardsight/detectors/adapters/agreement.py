"""Whether the gradient of a score is the one that finite differences find."""

import math
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

from hardsight.attacks import ScoreObjective, frozen, value_and_gradient
from hardsight.core.batches import per_image
from hardsight.detectors.adapters.double import double_precision
from hardsight.detectors.base import Detector

STEPS = {torch.float64: (1e-4, 1e-5, 1e-3, 1e-2), torch.float32: (0.1, 0.03, 0.3, 0.01)}
"""Lengths (L2) of the difference steps tried, by precision; a false gradient agrees at none."""
LIMITS = {torch.float64: (0.01, 0.02), torch.float32: (0.05, 0.2)}
"""Errors (along, missing) up to which a gradient is taken for the exact one, by precision."""


class GradientError(ValueError):
    """A score whose gradient autograd does not give."""


class Agreement(NamedTuple):
    """A gradient g by autograd, beside central differences with the same noise."""

    along: float
    """Relative error of the slope along g; the worst image."""
    missing: float
    """``|true gradient - g| / |g|``, estimated from slopes along random directions; the worst
    image. A gradient that lacks a part can agree along itself, and fails here."""
    reached: float
    """Share of the pixels where g is not zero in some channel."""
    slopes: Tensor
    """(B,) by autograd along g / |g|, which is |g|."""
    differences: Tensor
    """(B,) the same by central differences."""
    dtype: torch.dtype
    """Precision of the comparison."""

    @property
    def exact(self) -> bool:
        """Whether g may be taken for the gradient; false for NaN and where g is zero."""
        along, missing = LIMITS[self.dtype]
        return self.along <= along and self.missing <= missing


def gradient_agreement(
    detector: Detector,
    images: Tensor,
    generator: torch.Generator | None = None,
    directions: int = 6,
) -> Agreement:
    """Compare the gradient of the score with central differences, the noise held fixed.

    With r uniform on the unit sphere of d dimensions, ``E (v . r)^2 = |v|^2 / d``: slopes along a
    few random directions estimate how far autograd's gradient is from the true one, all pixels
    included. float64 tells most: see ``hardsight.detectors.adapters.double``.

    Args:
        detector: deterministic given its noise, each image's score its own.
        images: (B, 3, H, W) in [0, 1]; take them from inside, where no clamp is met. Their
            precision is that of the comparison.
        generator: of the noise and the directions.
        directions: random ones beside the gradient itself.

    Raises:
        ValueError: no gradient reaches the images, or it is not finite.
        TypeError: images of another precision than float32 or float64.
    """
    if images.dtype not in STEPS:
        raise TypeError(f"images must be float32 or float64, got {images.dtype}; call .float()")
    normal = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    noise = detector.sample_noise(images, generator)
    objective = ScoreObjective(detector, normal, noise=noise)
    with frozen(detector):
        _, g = value_and_gradient(objective, images, generator)
    d = g[0].numel()
    size = g.flatten(1).norm(dim=1)
    rays = [g / per_image(size.clamp_min(torch.finfo(g.dtype).tiny), g)]
    for _ in range(directions):
        r = torch.randn(g.shape, generator=generator, dtype=g.dtype, device=g.device)
        rays.append(r / per_image(r.flatten(1).norm(dim=1), r))
    slopes = torch.stack([(g * r).flatten(1).sum(1) for r in rays])
    along, missing = torch.full_like(size, math.inf), torch.full_like(size, math.inf)
    best = torch.full_like(size, math.nan)
    for h in STEPS[images.dtype]:
        with torch.no_grad():
            differences = torch.stack(
                [(objective(images + h * r) - objective(images - h * r)) / (2 * h) for r in rays]
            )
        error = (differences - slopes).abs() / size  # NaN where g is zero: never exact
        closer = error[0] < along
        along, best = (
            torch.where(closer, error[0], along),
            torch.where(closer, differences[0], best),
        )
        missing = torch.fmin(missing, (d * error[1:].square().mean(0)).sqrt())
        limits = LIMITS[images.dtype]
        if bool((along < limits[0] / 10).all() and (missing < limits[1] / 10).all()):
            break
    reached = (g != 0).any(1).double().mean()
    return Agreement(
        float(along.max()), float(missing.max()), float(reached), size, best, images.dtype
    )


def demand_gradient(
    detector: Detector, images: Tensor, generator: torch.Generator | None = None
) -> Agreement:
    """Return the agreement of a detector's gradient with finite differences, or refuse.

    In float64 where the detector can compute in it: autocast then rounds nothing. One that cannot
    and computes in 16 bits cannot be told from a false one: build it in single precision for this.

    Args:
        detector: as for ``gradient_agreement``.
        images: (B, 3, H, W) float in [0, 1].
        generator: of the noise and the directions.

    Raises:
        GradientError: there is no gradient, or not the one that finite differences find; a robust
            number measured through it would be false.
    """
    wide = computes_in_double(detector, images)
    x = images.double() if wide else images.float()
    try:
        with double_precision(detector) if wide else nullcontext():
            found = gradient_agreement(detector, x, generator)
    except torch.OutOfMemoryError:
        raise
    except (ValueError, RuntimeError) as error:  # "modified by an inplace operation"
        raise GradientError(f"no gradient can be computed: {error}") from error
    if found.reached == 0:
        raise GradientError(
            "the gradient of the score is zero on every pixel: the score is saturated, quantised "
            "or does not depend on these images; try other images, or attack it without gradients"
        )
    if not found.exact:
        along, missing = LIMITS[found.dtype]
        raise GradientError(
            "the gradient of the score is not the one that finite differences find: along itself "
            f"it is off by {found.along:.2g} (at most {along:g}), and what it lacks is "
            f"{found.missing:.2g} times as long as it (at most {missing:g}); the score is "
            "detached, quantised or random on the way, and an attack through it would prove nothing"
        )
    return found


@torch.no_grad()
def computes_in_double(detector: Detector, images: Tensor) -> bool:
    """Tell whether a detector that scores in float32 does so in float64."""
    found = torch.float32
    for dtype in (torch.float32, torch.float64):
        x = images.to(dtype)
        noise = detector.sample_noise(x, torch.Generator(x.device).manual_seed(0))
        try:
            with double_precision(detector) if dtype == torch.float64 else nullcontext():
                found = detector.score_only(x, noise).pred_score.dtype
        except RuntimeError:
            if dtype == torch.float32:
                raise
            return False  # code of its own in single precision: "expected scalar type Float"
    return found == torch.float64
