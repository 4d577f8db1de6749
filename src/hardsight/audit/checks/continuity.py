"""The check that neighbouring images score as the gradient says."""

import torch
from torch import Generator, Tensor

from hardsight.attacks import ScoreObjective, frozen, value_and_gradient
from hardsight.audit.audited import Audited
from hardsight.audit.checks.gradients import in_full_precision
from hardsight.audit.plan import COMPARED
from hardsight.audit.results import Check
from hardsight.detectors import Detector

SIZES = (1e-4 / 255, 1e-3 / 255, 1e-2 / 255, 5e-2 / 255)
"""L-inf radii of the uniform noise, from a ten-thousandth of a grey level: far below any eps."""
PAIRS = 2
"""Draws of noise, each added and subtracted, for each size."""
ROUNDING = 64 * torch.finfo(torch.float32).eps
"""Part of the score that arithmetic may change, in whatever precision a part of it is done."""
LIMIT = 1.0
"""Jumps beyond this many times what the gradient explains are no slope."""


def continuity(c: Audited) -> Check:
    """Do images that differ by less than a grey level score alike?"""
    c.demand_gradient()
    with in_full_precision(c, COMPARED) as (scorer, x):
        jumps = unexplained(scorer, x, c.generator("continuity"))
    worst = jumps.amax(0)
    values = {
        f"jump at {size * 255:g}/255": float(jump) for size, jump in zip(SIZES, worst, strict=True)
    }
    if float(worst.max()) > LIMIT:
        return Check(
            "continuity",
            "fail",
            f"Between images that no eye and no sensor can tell apart the {c.subject.answer} jumps "
            f"by {float(worst.max()):.3g} times what its slope explains: it is rounded or "
            "scattered on the way, and an attack that follows the slope is led by chance.",
            values,
        )
    return Check(
        "continuity",
        "pass",
        f"The {c.subject.answer} of neighbouring images differs as its slope says.",
        values,
    )


def unexplained(scorer: Detector, images: Tensor, generator: Generator) -> Tensor:
    """Return (B, S) how far scores change otherwise than the gradient says, for each of ``SIZES``.

    With noise d uniform in [-h, h] a smooth score has ``(s(x + d) - s(x - d)) / 2 = g . d`` up to
    terms of third order: curvature cancels. What is left over, root mean square over the draws, is
    counted in units of the root mean square of g . d itself, ``h |g| / sqrt(3)``, and of rounding.

    Args:
        scorer: deterministic given its noise, each image's score its own.
        images: (B, C, H, W) in [0, 1], taken from inside.
        generator: of the noise.
    """
    normal = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    score = ScoreObjective(scorer, normal, noise=scorer.sample_noise(images, generator))
    with frozen(scorer):
        value, gradient = value_and_gradient(score, images)
    slope = gradient.flatten(1).norm(dim=1)
    columns = []
    for size in SIZES:
        left_over = []
        for _ in range(PAIRS):
            noise = torch.rand(images.shape, generator=generator, device=images.device)
            d = size * (2 * noise.to(images) - 1)
            with torch.no_grad():
                odd = (score(images + d) - score(images - d)) / 2
            left_over.append(odd - (gradient * d).flatten(1).sum(1))
        explained = size * slope / 3**0.5 + ROUNDING * value.abs() + torch.finfo(slope.dtype).tiny
        columns.append(torch.stack(left_over).square().mean(0).sqrt() / explained)
    return torch.stack(columns, 1).cpu()
