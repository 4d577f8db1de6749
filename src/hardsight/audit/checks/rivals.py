"""Checks that nobody who knows less does more harm than the attack that knows everything."""

import numpy as np

from hardsight.audit import plan
from hardsight.audit.context import Context
from hardsight.audit.outcomes import BlockedError, Scores, worst
from hardsight.audit.results import Check
from hardsight.evaluation.verdict import NOTABLE


def square(c: Context) -> Check:
    """Does the gradient beat a random search?"""
    return _rival(
        c, "square", "a random search that sees only scores", c.attack(plan.square(c)).scores
    )


def transfer(c: Context) -> Check:
    """Does the gradient beat an attack made on another detector?"""
    if c.source is None:
        raise BlockedError("No other detector was given to transfer attacks from.")
    found = worst([c.attack(a) for a in plan.transfer(c)])
    return _rival(c, "transfer", "an attack made on another detector", found.scores)


def bpda(c: Context) -> Check:
    """Does the exact gradient beat one that goes round a part?"""
    if c.detector.bypass is None:
        raise BlockedError("The detector names no part to go round (its attribute bypass).")
    found = c.attack(plan.bpda(c, c.best)).scores
    return _rival(c, "bpda", "an attack that goes round a part of the detector", found)


def _rival(c: Context, name: str, what: str, rival: Scores) -> Check:
    white = c.white.scores
    values = {"AUROC by gradient": c.auroc(white), "AUROC by the other": c.auroc(rival)}
    lead = c.above(white, rival)
    if lead.low > 0:
        return Check(
            name,
            "fail",
            f"{what.capitalize()} does more harm than the attack that knows the gradient: the "
            "gradient misleads, and what it did not break is not robust.",
            values,
        )
    if values["AUROC by gradient"] > values["AUROC by the other"]:
        sentence = f"{what.capitalize()} does a little more harm, within chance."
    else:
        sentence = f"{what.capitalize()} does no more harm than the attack by gradient."
    return Check(name, "pass", sentence, values)


def chance(c: Context) -> Check:
    """Is random noise of the same size harmless?"""
    moved = []
    for start, x, _ in c.batches():
        direction = x.new_empty(x.shape).normal_(generator=c.generator("chance", start))
        moved.append(c.ball.project(c.ball.ascend(x, direction, c.ball.eps), x))
    noisy = np.concatenate(
        [c.fresh_scores(m, s) for m, (s, _, _) in zip(moved, c.batches(), strict=True)]
    )
    values = {"AUROC clean": c.auroc(c.clean), "AUROC with random noise": c.auroc(noisy)}
    if not c.gradient_error:
        values["AUROC by gradient"] = c.auroc(c.white.scores)
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
            "Plain random noise of the same size already spoils the scores: at this radius the "
            "detector is fragile, attacked or not.",
            values,
        )
    return Check("chance", "pass", "Random noise of the same size is harmless.", values)
