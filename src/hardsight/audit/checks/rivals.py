"""Checks that nobody who knows less does more harm than the attack that knows everything."""

import numpy as np

from hardsight.audit import plan
from hardsight.audit.case import Case
from hardsight.audit.outcomes import BlockedError, Scores, worst
from hardsight.audit.results import Check
from hardsight.evaluation.verdict import NOTABLE


def square(c: Case) -> Check:
    """Does the gradient beat a random search?"""
    return _rival(
        c, "square", f"a random search that sees only {c.answer}s", c.attack(plan.square(c)).scores
    )


def transfer(c: Case) -> Check:
    """Does the gradient beat an attack made on another model?"""
    if c.source is None:
        raise BlockedError(f"No other {c.kind} was given to transfer attacks from.")
    found = worst([c.attack(a) for a in plan.transfer(c)])
    return _rival(c, "transfer", f"an attack made on another {c.kind}", found.scores)


def bpda(c: Case) -> Check:
    """Does the exact gradient beat one that goes round a part?"""
    if c.bypass is None:
        raise BlockedError(f"The {c.kind} names no part to go round (its attribute bypass).")
    found = c.attack(plan.bpda(c, c.best)).scores
    return _rival(c, "bpda", f"an attack that goes round a part of the {c.kind}", found)


def _rival(c: Case, name: str, what: str, rival: Scores) -> Check:
    white = c.white.scores
    own, other = f"{c.measure} by gradient", f"{c.measure} by the other"
    values = {own: c.figure(white), other: c.figure(rival)}
    lead = c.above(white, rival)
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


def chance(c: Case) -> Check:
    """Is random noise of the same size harmless?"""
    moved = []
    for start, x in c.batches():
        direction = x.new_empty(x.shape).normal_(generator=c.generator("chance", start))
        moved.append(c.ball.project(c.ball.ascend(x, direction, c.ball.eps), x))
    noisy = np.concatenate(
        [c.fresh_scores(m, s) for m, (s, _) in zip(moved, c.batches(), strict=True)]
    )
    values = {
        f"{c.measure} clean": c.figure(c.clean),
        f"{c.measure} with random noise": c.figure(noisy),
    }
    if not c.gradient_error:
        values[f"{c.measure} by gradient"] = c.figure(c.white.scores)
        if c.above(c.white.scores, noisy).low > 0:
            return Check(
                "chance",
                "fail",
                "Plain random noise does more harm than the attack: the attack is no attack.",
                values,
            )
    loss = c.above(c.clean, noisy)
    if loss.low > 0 and loss.value > NOTABLE:
        return Check(
            "chance",
            "warn",
            f"Plain random noise of the same size already spoils the {c.answer}s: at this radius "
            f"the {c.kind} is fragile, attacked or not.",
            values,
        )
    return Check("chance", "pass", "Random noise of the same size is harmless.", values)
