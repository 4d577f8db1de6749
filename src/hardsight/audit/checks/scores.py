"""Checks of the score as a function: does it move, does it repeat."""

import numpy as np
import torch
from torch import nn

from hardsight.attacks import PGD, Attempt, Linf, Suite
from hardsight.attacks.victims import ScoreVictim
from hardsight.audit.context import Context
from hardsight.audit.results import Check

STEP = 8 / 255
"""L-inf length of the step under which a score must move."""
STILL = 1e-6
"""A change smaller than this part of the scores' spread is none."""
MODES = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)
"""Layers that do something else in train mode."""


def saturation(c: Context) -> Check:
    """Does every score move when its image does?"""
    clean, spread = c.known_scores(c.x), c.spread
    noise = torch.randn(c.x.shape, generator=c.generator("step"), device=c.x.device)
    directions = [noise, -noise]
    if not c.gradient_error:
        directions += [c.gradient(), -c.gradient()]
    ball, moves = Linf(max(STEP, c.ball.eps if isinstance(c.ball, Linf) else 0)), []
    for direction in directions:
        stepped = ball.project(ball.ascend(c.x, direction, ball.eps), c.x)
        moves.append(np.abs(c.known_scores(stepped) - clean))
    stuck = float((np.max(moves, axis=0) <= STILL * spread).mean())
    _, counts = np.unique(clean, return_counts=True)
    tied = float(counts[counts > 1].sum() / len(clean))
    values = {"scores that do not move": stuck, "scores that are equal": tied}
    if stuck > 0.25 or tied > 0.5:
        return Check(
            "saturation",
            "fail",
            f"{stuck:.0%} of the scores do not move when their image is changed, and {tied:.0%} "
            "are equal to another: the score sits at the end of its scale, where no attack can see "
            "which way to go. Score before the last squashing step.",
            values,
        )
    if stuck > 0 or tied > 0.1:
        return Check(
            "saturation",
            "warn",
            f"{stuck:.0%} of the scores do not move when their image is changed, and {tied:.0%} "
            "are equal to another.",
            values,
        )
    return Check("saturation", "pass", "Every score moves when its image does.", values)


def mode(c: Context) -> Check:
    """Is the score a function of the image and the noise alone?"""
    names = [n or "itself" for n, m in c.detector.named_modules() if _active(m)]
    again, spread = c.known_scores(c.x), c.spread
    repeat = float(np.abs(c.known_scores(c.x) - again).max() / spread)
    alone = max(_alone(c, i) for i in (0, len(c.x) - 1)) / spread
    values = {
        "layers in train mode": len(names),
        "change when scored again": repeat,
        "change when scored alone": alone,
    }
    if names:
        sentence = (
            f"{len(names)} layers are in train mode ({', '.join(names[:3])}): dropout or batch "
            "statistics change the score by chance. Call detector.eval() first."
        )
    elif repeat > 1e-4:
        sentence = (
            "The same image with the same noise gets another score each time: there is randomness "
            "that the attack cannot see. All of it must come from sample_noise."
        )
    elif alone > 0.05:
        sentence = (
            "The score of an image depends on the other images of its batch, so figures depend on "
            "how images were put together."
        )
    else:
        sentence = "The same image with the same noise gets the same score, in any batch."
    failed = names or repeat > 1e-4 or alone > 0.05
    return Check("mode", "fail" if failed else "pass", sentence, values)


def _active(module: nn.Module) -> bool:
    """Whether a layer does in train mode what it must not do when scoring."""
    idle = isinstance(module, nn.modules.dropout._DropoutNd) and module.p == 0
    return module.training and isinstance(module, MODES) and not idle


@torch.no_grad()
def _alone(c: Context, index: int) -> float:
    """How much the score of an image changes when it is scored without the others."""
    start = index - index % c.batch_size
    x = c.x[start : start + c.batch_size]
    noise, row = c.known_noise(x, start), slice(index - start, index - start + 1)
    together = c.detector(x, noise).pred_score[row]
    alone = c.detector(x[row], None if noise is None else noise[row]).pred_score
    return float((together - alone).abs())


def zero(c: Context) -> Check:
    """Does an attack that may change nothing change nothing?"""
    attempt = Attempt(PGD(type(c.ball)(0.0), steps=2), "score")
    before, moved, images = c.known_scores(c.x), 0.0, c.x.clone()
    if not c.gradient_error:
        suite = Suite("audit", attempt.optimiser.ball, lambda ball: (attempt,))
        for start, x, labels in c.batches():
            victim = ScoreVictim(c.detector, labels)
            found = suite(victim, x, c.generator("zero", start)).images
            images[start : start + len(x)] = found
        moved = float((images - c.x).abs().max())
    change = float(np.abs(c.known_scores(images) - before).max() / c.spread)
    values = {"largest change of a pixel": moved, "largest change of a score": change}
    if moved > 1e-6 or change > 1e-4:
        return Check(
            "zero",
            "fail",
            "An attack that may change nothing changes the result: images or scores are altered "
            "on the way, and no figure can be compared with another.",
            values,
        )
    return Check("zero", "pass", "At radius 0 the attacked result is the clean one.", values)
