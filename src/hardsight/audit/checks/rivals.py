"""Checks that nobody who knows less does more harm than the attack that knows everything."""

import numpy as np

from hardsight.audit import plan
from hardsight.audit.audited import Audited
from hardsight.audit.outcomes import BlockedError, worst
from hardsight.audit.results import Check
from hardsight.evaluation.subjects import Scores
from hardsight.evaluation.verdict import NOTABLE


def square(c: Audited) -> Check:
    """Does the gradient beat a random search?"""
    what = f"a random search that sees only {c.subject.answer}s"
    return _rival(c, "square", what, c.attack(plan.square(c)).scores)


def transfer(c: Audited) -> Check:
    """Does the gradient beat an attack made on another model?"""
    s = c.subject
    if s.source is None:
        raise BlockedError(f"No other {s.kind} was given to transfer attacks from.")
    found = worst([c.attack(a) for a in plan.transfer(c)])
    return _rival(c, "transfer", f"an attack made on another {s.kind}", found.scores)


def bpda(c: Audited) -> Check:
    """Does the exact gradient beat one that goes round a part?"""
    s = c.subject
    if s.bypass is None:
        raise BlockedError(f"The {s.kind} names no part to go round (its attribute bypass).")
    found = c.attack(plan.bpda(c, c.best)).scores
    return _rival(c, "bpda", f"an attack that goes round a part of the {s.kind}", found)


def _rival(c: Audited, name: str, what: str, rival: Scores) -> Check:
    s = c.subject
    white = c.white.scores
    own, other = f"{s.measure} by gradient", f"{s.measure} by the other"
    values = {own: s.figure(white), other: s.figure(rival)}
    lead = s.above(white, rival)
    if lead.low > 0:
        return Check(
            name,
            "fail",
            f"{what.capitalize()} does more harm than the attack that knows the gradient: the "
            "gradient misleads, and what it did not break is not robust.",
            values,
        )
    if values[own] > values[other]:
        sentence = f"{what.capitalize()} does a little more harm, within chance."
    else:
        sentence = f"{what.capitalize()} does no more harm than the attack by gradient."
    return Check(name, "pass", sentence, values)


def chance(c: Audited) -> Check:
    """Is random noise of the same size harmless?"""
    s = c.subject
    moved = []
    for start, x in c.batches():
        direction = x.new_empty(x.shape).normal_(generator=c.generator("chance", start))
        moved.append(c.ball.project(c.ball.ascend(x, direction, c.ball.eps), x))
    noisy = np.concatenate(
        [c.fresh_scores(m, s) for m, (s, _) in zip(moved, c.batches(), strict=True)]
    )
    values = {
        f"{s.measure} clean": s.figure(c.clean),
        f"{s.measure} with random noise": s.figure(noisy),
    }
    if not c.gradient_error:
        values[f"{s.measure} by gradient"] = s.figure(c.white.scores)
        if s.above(c.white.scores, noisy).low > 0:
            return Check(
                "chance",
                "fail",
                "Plain random noise does more harm than the attack: the attack is no attack.",
                values,
            )
    loss = s.above(c.clean, noisy)
    if loss.low > 0 and loss.value > NOTABLE:
        return Check(
            "chance",
            "warn",
            f"Plain random noise of the same size already corrupts the {s.answer}s: at this radius "
            f"the {s.kind} is fragile, attacked or not.",
            values,
        )
    return Check("chance", "pass", "Random noise of the same size is harmless.", values)
