"""Checks of the score as a function: does it move, does it repeat."""

import numpy as np
import torch
from torch import nn

from hardsight.attacks import PGD, Attempt, Linf
from hardsight.audit.audited import Audited
from hardsight.audit.checks.gradients import underflown
from hardsight.audit.planned import alone
from hardsight.audit.results import Check
from hardsight.evaluation.wording import percent

STEP = 8 / 255
"""L-inf length of the step under which a score must move."""
STILL = 1e-6
"""A change smaller than this part of the scores' spread is none."""
MODES = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)
"""Layers that do something else in train mode."""


def saturation(c: Audited) -> Check:
    """Does every answer move when its image does?"""
    s = c.subject
    clean, spread = c.known_scores(c.x), c.spread
    noise = torch.randn(c.x.shape, generator=c.generator("step"), device=s.device)
    directions = [noise, -noise]
    if not c.gradient_error:
        directions += [c.gradient(s.judged), -c.gradient(s.judged)]
    ball, moves = Linf(max(STEP, c.ball.eps if isinstance(c.ball, Linf) else 0)), []
    for direction in directions:
        stepped = ball.project(ball.ascend(c.x, direction, ball.eps), c.x)
        moves.append(np.abs(c.known_scores(stepped) - clean))
    stuck = float((np.max(moves, axis=0) <= STILL * spread).mean())
    _, counts = np.unique(clean, return_counts=True)
    tied = float(counts[counts > 1].sum() / len(clean))
    answers = f"{s.answer}s"
    values = {f"{answers} that do not move": stuck, f"{answers} that are equal": tied}
    blind = 0.0
    if s.loss is not None and not c.gradient_error:
        blind = values["images on which the loss has no slope"] = _blind(c, s.loss)
    if stuck > 0.25 or tied > 0.5:
        return Check(
            "saturation",
            "fail",
            f"{percent(stuck)} of the {answers} do not move when their image is changed, and "
            f"{percent(tied)} are equal to another: the {s.answer} sits at the end of its scale, "
            f"where no attack can see which way to go. Take the {s.answer} before the last "
            "squashing step.",
            values,
        )
    if blind > 0.25:
        return Check(
            "saturation",
            "fail",
            f"On {percent(blind)} of the images the loss that attacks usually climb is so flat "
            f"that its gradient is zero in single precision, though the {s.answer}'s is not: such "
            f"attacks stand still. Trust only those that climb the {s.answer}, or scale the answer "
            "down.",
            values,
        )
    if stuck > 0 or tied > 0.1 or blind > 0:
        sentence = (
            f"{percent(stuck)} of the {answers} do not move when their image is changed, and "
            f"{percent(tied)} are equal to another."
        )
        if blind > 0:
            sentence += f" On {percent(blind)} of the images the usual loss has no gradient left."
        return Check("saturation", "warn", sentence, values)
    return Check("saturation", "pass", f"Every {s.answer} moves when its image does.", values)


def _blind(c: Audited, loss: str) -> float:
    """Count the share of images where half of the loss's gradient underflows, the score's not."""
    own, full = (c.gradient(name).flatten(1).float() for name in (loss, c.subject.judged))
    there, gone = underflown(own, full)
    return float((gone.sum(1) > 0.5 * there.sum(1)).double().mean())


def mode(c: Audited) -> Check:
    """Is the answer a function of the image and the noise alone?"""
    s = c.subject
    names = [n or "itself" for n, m in s.model.named_modules() if _active(m)]
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
            f"statistics change the {s.answer} by chance. Call {s.kind}.eval() first."
        )
    elif repeat > 1e-4:
        sentence = (
            f"The same image with the same noise gets another {s.answer} each time: there is "
            "randomness that the attack cannot see. All of it must come from sample_noise."
        )
    elif alone > 0.05:
        sentence = (
            f"The {s.answer} of an image depends on the other images of its batch, so figures "
            "depend on how images were put together."
        )
    else:
        sentence = f"The same image with the same noise gets the same {s.answer}, in any batch."
    failed = names or repeat > 1e-4 or alone > 0.05
    return Check("mode", "fail" if failed else "pass", sentence, values)


def _active(module: nn.Module) -> bool:
    """Tell whether a layer does in train mode what it must not do when scoring."""
    idle = isinstance(module, nn.modules.dropout._DropoutNd) and module.p == 0
    return module.training and isinstance(module, MODES) and not idle


@torch.no_grad()
def _alone(c: Audited, index: int) -> float:
    """Return how much the score of an image changes when it is scored without the others."""
    s = c.subject
    start = index - index % c.batch_size
    x = c.x[start : start + c.batch_size]
    noise, row = c.known_noise(x, start), slice(index - start, index - start + 1)
    together = s.scores(x.clone(), noise, start)[row]
    alone = s.scores(x[row].clone(), None if noise is None else noise[row], index)
    return float((together - alone).abs())


def zero(c: Audited) -> Check:
    """Does an attack that may change nothing change nothing?"""
    s = c.subject
    attempt = Attempt(PGD(type(c.ball)(0.0), steps=2), s.judged)
    before, images = c.known_scores(c.x), c.x.clone()
    if not c.gradient_error:
        suite = alone(attempt)
        for start, x in c.batches():
            found = suite(s.victim(start, len(x)), x, c.generator("zero", start)).images
            images[start : start + len(x)] = found
    change = float(np.abs(c.exposed_scores(images) - before).max() / c.spread)
    moved = float((images - c.x).abs().max())
    values = {"largest change of a pixel": moved, f"largest change of a {s.answer}": change}
    if moved > 1e-6 or change > 1e-4:
        return Check(
            "zero",
            "fail",
            f"An attack that may change nothing changes the result: images or {s.answer}s are "
            "altered on the way, and no figure can be compared with another.",
            values,
        )
    return Check("zero", "pass", "At radius 0 the attacked result is the clean one.", values)
