"""Checks of a random model: is it robust, or is it only hard to predict?"""

import numpy as np
import torch
from torch import Tensor

from hardsight.audit.audited import Audited, demand_finite, finite_gradient
from hardsight.audit.outcomes import BlockedError
from hardsight.audit.results import Check, Plot
from hardsight.core.batches import choose
from hardsight.evaluation.verdict import NOTABLE

AFFORDED, LITERATURE = 4, 20
"""Evaluations averaged in a gradient: what a CPU can afford, and what the literature takes."""
SIGNAL = 0.5
"""Cosine with the true mean gradient below which an averaged gradient leads nowhere."""


def fixed(c: Audited) -> Check:
    """Is it robust without its luck?"""
    s = c.subject
    if not s.random:
        raise BlockedError(f"The {s.kind} has no noise.")
    c.demand_gradient()
    parts = []
    for start, x in c.batches():
        c.check_time()
        known, victim = c.known_noise(x, start), s.victim(start, len(x))
        objective = victim.objective(c.best, x, 1, known)
        result = c.apgd(c.best).optimiser(objective, x, c.generator("fixed", start))
        demand_finite(result)
        harm = victim.objective(s.judged, x, 1, known)
        with torch.no_grad():
            found = choose(harm(result.images) > harm(x), result.images, x)
            parts.append(s.scores(found, known, start).double().cpu().numpy())
        c.tell((c.budget.base + 2) * len(x))
    known_scores, clean_known = np.concatenate(parts), c.known_scores(c.x)
    values = {
        f"{s.measure}, noise unknown": s.figure(c.white.scores),
        f"{s.measure}, noise known": s.figure(known_scores),
        f"{s.measure} clean, noise known": s.figure(clean_known),
    }
    gap = s.above(c.white.scores, known_scores)
    if gap.low > 0 and gap.value > NOTABLE:
        unattacked = s.figure(c.clean) - s.figure(clean_known)
        return Check(
            "fixed",
            "warn",
            f"An attacker who knows the {s.kind}'s noise does much more harm: part of what looks "
            "robust is only luck, and goes when the noise is known or an image tried again."
            if gap.value - unattacked > NOTABLE
            else f"On a single draw of noise the {s.measure} is much lower than on the mean of "
            f"several, attacked or not: means say little of a {s.kind} that draws once.",
            values,
        )
    return Check("fixed", "pass", "Knowing the noise in advance helps an attacker little.", values)


def agreement(c: Audited) -> Check:
    """Do the gradients of different noise draws point the same way?"""
    s = c.subject
    if not s.random:
        raise BlockedError(f"The {s.kind} has no noise.")
    cosine, halves = _cosines(c)
    own = s.own_draws
    few, many = signal(cosine, AFFORDED), signal(cosine, LITERATURE)
    values = {
        "cosine between draws": cosine,
        f"signal of {AFFORDED * own} draws": few,
        f"signal of {LITERATURE * own} draws": many,
    }
    counts = [2**k for k in range(6)]
    lines = {
        "expected": tuple(signal(cosine, n) for n in counts),
        "measured": tuple(float(np.sqrt(max(h, 0.0))) for h in halves),
    }
    plot = Plot("noise draws averaged", "signal", tuple(str(n * own) for n in counts), lines)
    if many < SIGNAL:
        return Check(
            "agreement",
            "fail",
            f"Each draw of noise pulls the attack another way; even averaged over "
            f"{LITERATURE * own} draws the gradient is mostly noise. What looks robust is chance.",
            values,
            plot,
        )
    if few < SIGNAL:
        return Check(
            "agreement",
            "warn",
            f"The draws of noise agree so little that {AFFORDED * own} of them do not show the "
            f"way; use attacks that average {LITERATURE * own} or more.",
            values,
            plot,
        )
    return Check(
        "agreement", "pass", "The draws of noise show the attack the same way.", values, plot
    )


def signal(cosine: float, n: int) -> float:
    """Return the cosine between a mean of n gradients and the true mean gradient.

    With gradients g + e of independent errors, two of them have the cosine
    ``c = |g|^2 / (|g|^2 + |e|^2)`` and a mean of n lies at ``sqrt(n c / (1 + (n - 1) c))``.
    """
    c = max(cosine, 0.0)
    return float(np.sqrt(n * c / (1 + (n - 1) * c)))


def _cosines(c: Audited) -> tuple[float, list[float]]:
    """Return the mean cosine of two gradients, and of means of n and n others, n = 1, 2, 4, ..."""
    s = c.subject
    m, pairs, halves = c.budget.gradients, [], []
    for start, x in c.batches():
        c.demand_gradient()
        c.check_time()
        objective = s.victim(start, len(x)).objective(s.judged, x)
        generator = c.generator("agreement", start)
        found = [finite_gradient(objective, x, generator).flatten(1) for _ in range(m)]
        g = torch.stack(found, dim=1)
        gram = _cosine(g[:, :, None], g[:, None])
        pairs.append((gram.sum((1, 2)) - gram.diagonal(dim1=1, dim2=2).sum(1)) / (m * (m - 1)))
        counts = [2**k for k in range(m.bit_length()) if 2 ** (k + 1) <= m]
        means = [_cosine(g[:, :n].mean(1), g[:, n : 2 * n].mean(1)) for n in counts]
        halves.append(torch.stack(means, dim=1))
        c.tell(m * len(x))
    return float(torch.cat(pairs).mean()), torch.cat(halves).mean(0).tolist()


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return torch.cosine_similarity(a, b, dim=-1, eps=1e-30)
