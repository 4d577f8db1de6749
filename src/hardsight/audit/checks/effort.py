"""Checks that an attacker who may do more does more."""

from collections.abc import Sequence

from hardsight.attacks import PGD, Attempt, Ball, Linf
from hardsight.audit import plan
from hardsight.audit.audited import Audited
from hardsight.audit.outcomes import BlockedError, worst
from hardsight.audit.results import Check, Plot
from hardsight.core.words import counted, fraction_of_255
from hardsight.evaluation.subjects import Scores
from hardsight.evaluation.wording import percent, threat_name

NEAR_ZERO = 0.1
"""The AUROC or accuracy under which an attack has won completely."""
HARDER = 4
"""How many times the base steps are taken where the plain attack does not win."""


def steps(c: Audited) -> Check:
    """Do more steps ever help the defender?"""
    found = plan.steps(c, c.best)
    return ladder(c, "steps", "steps", [c.attack(a).scores for a in found.values()], list(found))


def restarts(c: Audited) -> Check:
    """Do more restarts ever help the defender?"""
    found = plan.restarts(c, c.best)
    scores = [c.attack(a).scores for a in found.values()]
    return ladder(c, "restarts", "restarts", scores, list(found))


def draws(c: Audited) -> Check:
    """Do more noise draws in a gradient ever help the defender?"""
    s = c.subject
    if not s.random:
        raise BlockedError(f"The {s.kind} has no noise.")
    found = plan.draws(c, c.best)
    if len(found) < 2:
        raise BlockedError(f"The {s.kind} itself averages {s.own_draws} draws, as many.")
    scores = [c.attack(a).scores for a in found.values()]
    return ladder(c, "draws", "draws averaged in a gradient", scores, list(found))


def ladder(c: Audited, name: str, what: str, scores: list[Scores], rungs: list[int]) -> Check:
    """Judge attacks of rising effort."""
    s = c.subject
    values = {
        f"{s.measure} with {counted(n, name[:-1])}": s.figure(one)
        for n, one in zip(rungs, scores, strict=True)
    }
    plot = _plot(c, what, [str(n) for n in rungs], scores)
    rise = _rise(c, scores)
    if rise is not None:
        return Check(
            name,
            "fail",
            f"More {what} make the attack weaker (with {rungs[rise[1]]} more {s.measure} is left "
            f"than with {rungs[rise[0]]}): the attack is led astray, and a figure found "
            "with many is not a limit.",
            values,
            plot,
        )
    if len(scores) > 1 and s.above(scores[-2], scores[-1]).low > 0:
        return Check(
            name,
            "warn",
            f"With {rungs[-1]} instead of {rungs[-2]} {what} the {s.measure} still falls: the "
            "attack has not converged, and robust figures are upper limits. Spend more.",
            values,
            plot,
        )
    return Check(name, "pass", f"More {what} change nothing beyond chance.", values, plot)


def _rise(c: Audited, scores: Sequence[Scores]) -> tuple[int, int] | None:
    """Find the first pair of attacks of which the later leaves a higher figure beyond chance."""
    for j in range(len(scores)):
        for i in range(j):
            if c.subject.above(scores[j], scores[i]).low > 0:
                return i, j
    return None


def _plot(c: Audited, x: str, ticks: list[str], scores: Sequence[Scores]) -> Plot:
    s = c.subject
    intervals = [s.interval(one) for one in scores]
    value, low, high = zip(*intervals, strict=True)
    y = f"{s.measure} under attack"
    return Plot(x, y, tuple(ticks), {s.measure: value}, low, high)


def unbounded(c: Audited) -> Check:
    """Does an attacker who may change everything win?"""
    s = c.subject
    values, scores = {}, {}
    for eps, attempt in plan.unbounded(c, c.best).items():
        found = c.attack(attempt)
        if s.figure(found.scores) > NEAR_ZERO:
            harder = _harder(c, attempt.optimiser.ball)
            c.expect(harder)
            found = worst([found, *map(c.attack, harder)])
        scores[eps] = found.scores
        values[f"{s.measure} at L-inf {_radius(eps)}"] = s.figure(found.scores)
    last = s.interval(scores[1.0])
    if last.value > NEAR_ZERO and last.low > NEAR_ZERO:
        return Check(
            "unbounded",
            "fail",
            f"Even an attacker who may repaint the whole image leaves {percent(last.value)} of the "
            f"{s.counted}. He must win; that he does not shows that the attack is blind, not "
            f"that the {s.kind} is strong.",
            values,
        )
    if last.value > NEAR_ZERO or min(values.values()) > NEAR_ZERO:
        return Check(
            "unbounded",
            "warn",
            "An attacker who may repaint the whole image does not win completely; with more steps "
            "he should.",
            values,
        )
    return Check(
        "unbounded", "pass", "An attacker who may change everything wins, as he must.", values
    )


def _harder(c: Audited, ball: Ball) -> list[Attempt]:
    """Long attacks on every objective, from the image itself and, where it proves anything, not."""
    n = HARDER * c.budget.base
    found = []
    for name in c.objectives:
        found += [
            c.apgd(name, ball, n, random_start=not c.subject.chance_wins),
            Attempt(PGD(ball, n, random_start=False), name),
        ]
    return found


def monotone(c: Audited) -> Check:
    """Does a larger radius ever help the defender?"""
    s = c.subject
    found = plan.radii(c, c.best)
    radii = [0.0, *found]
    scores = [c.clean, *(c.attack(a).scores for a in found.values())]
    linf = isinstance(c.ball, Linf)
    names = [_radius(eps) if linf else f"{eps:.3g}" for eps in radii]
    values = {f"{s.measure} at {n}": s.figure(one) for n, one in zip(names, scores, strict=True)}
    plot = _plot(c, f"{threat_name(c.ball.name)} radius", names, scores)
    rise = _rise(c, scores)
    if rise is not None:
        return Check(
            "monotone",
            "fail",
            f"An attacker who may change more (radius {names[rise[1]]} instead of "
            f"{names[rise[0]]}) does less harm: the attack loses its way.",
            values,
            plot,
        )
    return Check(
        "monotone", "pass", "The more an attacker may change, the more harm he does.", values, plot
    )


def _radius(eps: float) -> str:
    return "1" if eps == 1 else fraction_of_255(eps)
