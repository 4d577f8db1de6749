"""Checks of the gradient itself."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from torch import Tensor

from hardsight.audit.audited import Audited
from hardsight.audit.full_precision import FullPrecision
from hardsight.audit.outcomes import BlockedError
from hardsight.audit.plan import COMPARED
from hardsight.audit.results import Check
from hardsight.detectors import Detector
from hardsight.detectors.adapters.agreement import computes_in_double, gradient_agreement
from hardsight.detectors.adapters.double import double_precision
from hardsight.evaluation.wording import percent

TIES = 0.03
"""Noise added to them, uniform to either side: in the even ground of an image a maximum over
neighbours has equals to choose from, and no slope."""
SHARES = (1.0, 0.25)
"""Lengths of the step over the radius, of which the better counts."""
SPARSE = 0.01
"""Share of pixels below which a gradient is too sparse for an attack of many pixels."""
NEGLIGIBLE = 1e-7
"""An entry smaller than this part of the largest is lost in single precision."""


def gradient(c: Audited) -> Check:
    """Is the gradient the one that finite differences find?"""
    s = c.subject
    if c.gradient_error:
        return Check(
            "gradient",
            "fail",
            f"No gradient leads from the {s.answer} back to the image, so an attack that follows "
            f"it cannot even begin: {c.gradient_error}.",
        )
    with in_full_precision(c, COMPARED) as (scorer, x):
        found = gradient_agreement(scorer, x, c.generator("differences"))
    named = {"error along it": found.along, "part that is missing": found.missing}
    values = {name: value for name, value in named.items() if math.isfinite(value)}
    flat = float((found.slopes == 0).double().mean())
    if flat > 0:
        values["images without a slope"] = flat
    if flat == 1:
        sentence = (
            f"The {s.answer} has no slope at all: it is rounded or at the end of its scale, and an "
            "attack that follows the slope stands still."
        )
    elif flat > 0:
        sentence = (
            f"On {percent(flat)} of the images compared the {s.answer} has no slope: it is rounded "
            "or at the end of its scale there, and an attack that follows the slope stands still."
        )
    elif not found.exact:
        sentence = (
            f"The gradient the attack follows is not the slope of the {s.answer}: the attack is "
            "led astray, and that it fails proves nothing."
        )
    else:
        sentence = f"The gradient the attack follows is the true slope of the {s.answer}."
    return Check("gradient", "pass" if found.exact else "fail", sentence, values)


@contextmanager
def in_full_precision(c: Audited, count: int) -> Iterator[tuple[Detector, Tensor]]:
    """Yield a scorer and images for it, in double where it can, with no clamp or tie near.

    Args:
        c: under audit.
        count: images, evenly chosen.

    Raises:
        BlockedError: no gradient can be computed.
    """
    index = c.subject.chosen(count)
    scorer, x = c.subject.scorer(index), 0.05 + 0.9 * c.x[index]
    x = x + TIES * (2 * torch.rand(x.shape, generator=c.generator("ties"), device=x.device) - 1)
    with FullPrecision(x.device.type):
        wide = computes_in_double(scorer, x)
        x = x.double() if wide else x
        try:
            with double_precision(scorer) if wide else nullcontext():
                yield scorer, x
        except torch.OutOfMemoryError:
            raise
        except (ValueError, RuntimeError) as error:
            reason = f"No gradient can be computed: {error}."
            raise BlockedError(reason, "fail") from error


def step(c: Audited) -> Check:
    """Does a step along the gradient do more than one at random?"""
    from scipy.stats import binomtest  # slow to import: not before it is needed

    s = c.subject
    g = c.gradient(s.judged)
    noise = torch.randn(g.shape, generator=c.generator("step"), device=g.device)
    clean, gains = c.known_scores(c.x), []
    for direction in (g, noise, -noise):
        steps = [c.ball.ascend(c.x, direction, share * c.ball.eps) for share in SHARES]
        moved = [c.known_scores(c.ball.project(x, c.x)) - clean for x in steps]
        gains.append(np.max([m * s.sign for m in moved], axis=0))
    wins = gains[0] > np.maximum(gains[1], gains[2])
    chance = float(binomtest(int(wins.sum()), len(wins), 1 / 3, alternative="greater").pvalue)
    values = {"share of images where it does": float(wins.mean()), "probability by chance": chance}
    if chance > 0.05:
        return Check(
            "step",
            "fail",
            "A step along the gradient does no more harm than a step at random: the slope is true "
            "only over distances too short to matter, and the attack wanders.",
            values,
        )
    if wins.mean() < 0.75:
        return Check(
            "step",
            "warn",
            f"On {percent(1 - wins.mean())} of the images a step at random does more harm than one "
            "along the gradient: on those the attack may wander.",
            values,
        )
    return Check("step", "pass", "A step along the gradient does more than one at random.", values)


def pixels(c: Audited) -> Check:
    """Does the gradient reach the pixels?"""
    s = c.subject
    shares = {}
    for name in c.surrogates:
        size = c.gradient(name).abs().amax(1).flatten(1)
        reached = size > NEGLIGIBLE * size.amax(1, keepdim=True)
        shares[name] = float(reached.double().mean())
    values = {f"reached by {name}": share for name, share in shares.items()}
    own, best = shares[s.judged], max(shares, key=lambda name: shares[name])
    if shares[best] < SPARSE:
        return Check(
            "pixels",
            "fail",
            f"An attack by gradients can change only {percent(shares[best], 2)} of the pixels: the "
            "rest have no slope, so the attack is blind there.",
            values,
        )
    if own < SPARSE:
        return Check(
            "pixels",
            "warn",
            f"The {s.answer} itself leads an attack to only {percent(own, 2)} of the pixels; only "
            f"attacks of a smooth stand-in ({best}) see the whole image. Do not use attacks of the "
            f"{s.answer} alone.",
            values,
        )
    return Check("pixels", "pass", f"An attack sees {percent(own)} of the pixels.", values)


def precision(c: Audited) -> Check:
    """Does the gradient survive the precision it is computed in?"""
    s = c.subject
    c.demand_gradient()
    with FullPrecision(s.device.type):
        try:
            wide = c.fresh_gradient(s.judged)
        except RuntimeError as error:  # weights stored in 16 bits: "same dtype"
            raise BlockedError(f"It does not compute in single precision: {error}.") from error
    change = (c.fresh_gradient(s.judged) - c.gradient(s.judged)).abs().max()
    if float(change) > 0.01 * float(c.gradient(s.judged).abs().max()):
        raise BlockedError("The gradient changes by chance: see the check mode.")
    full, own = wide.flatten(1).float(), c.gradient(s.judged).flatten(1).float()
    there, gone = underflown(own, full)
    if not bool(there.any()):
        raise BlockedError("There is no gradient in any precision: see the check gradient.")
    lost = float(gone.sum() / there.sum())
    sloped = there.any(1)  # where the score is flat there is nothing to lose
    alike = float(torch.cosine_similarity(own[sloped], full[sloped], eps=1e-30).mean())
    values = {"entries lost": lost, "cosine with full precision": alike}
    if lost > 0.5 or alike < 0.5:
        how = (
            f"the gradient is lost to rounding: {percent(lost)} of its entries become zero"
            if lost > 0.5
            else "rounding turns the gradient away from the one in single precision"
        )
        return Check(
            "precision",
            "fail",
            f"In the precision the {s.kind} computes in, {how}. Attack it in single precision.",
            values,
        )
    if lost > 0.05 or alike < 0.9:
        return Check(
            "precision",
            "warn",
            f"Part of the gradient is lost to rounding in the precision the {s.kind} computes in. "
            "An attack in single precision may be stronger.",
            values,
        )
    return Check("precision", "pass", "Rounding does not harm the gradient.", values)


def underflown(own: Tensor, full: Tensor) -> tuple[Tensor, Tensor]:
    """Return where ``full`` has a gradient, and where of these ``own`` is lost; (N, D) bool."""
    there = full.abs() > NEGLIGIBLE * full.abs().amax(1, keepdim=True)
    return there, there & (own.abs() < torch.finfo(torch.float32).tiny)
