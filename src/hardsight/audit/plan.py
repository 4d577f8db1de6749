"""Which attacks an audit makes, and so what it will cost before it begins."""

from collections.abc import Iterator

from hardsight.attacks import Attempt, Linf, Square
from hardsight.audit.planned import PlannedAudit
from hardsight.evaluation.costs import FORWARD

ALMOST_UNBOUNDED = (64 / 255, 1.0)
"""L-inf radii at which every honest model is fooled."""
FORWARDS = {"step": 8, "precision": 6, "mode": 6, "zero": 8, "saturation": 8}
"""Check -> forward passes of every image, of single scores."""
DOUBLE = 10
"""Cost of a forward pass of few images in double precision beside another: as measured."""
COMPARED = 2
"""Images of which finite differences are taken, and neighbours looked at, in double precision."""
COMPARISONS = {"gradient": 33, "continuity": 21}
"""Check -> forward passes of these images."""


def steps(c: PlannedAudit, objective: str) -> dict[int, Attempt]:
    """Return steps -> attack."""
    return {n: c.apgd(objective, steps=n) for n in c.budget.steps}


def restarts(c: PlannedAudit, objective: str) -> dict[int, Attempt]:
    """Return restarts -> attack."""
    return {n: c.apgd(objective, restarts=n) for n in c.budget.restarts}


def draws(c: PlannedAudit, objective: str) -> dict[int, Attempt]:
    """Return single draws really averaged -> attack; one entry without noise."""
    attempts = [c.apgd(objective, draws=n) for n in c.budget.draws]
    return {c.draws_of(a): a for a in attempts}


def unbounded(c: PlannedAudit, objective: str) -> dict[float, Attempt]:
    """Return radius -> attack, in L-inf whatever the audit's norm."""
    start = not c.subject.chance_wins
    return {eps: c.apgd(objective, Linf(eps), random_start=start) for eps in ALMOST_UNBOUNDED}


def radii(c: PlannedAudit, objective: str) -> dict[float, Attempt]:
    """Return radius in the audit's norm -> attack, rising."""
    linf = isinstance(c.ball, Linf)
    wanted = {m * c.ball.eps for m in c.budget.radii}
    if linf:
        wanted = {min(eps, 1.0) for eps in wanted} | set(ALMOST_UNBOUNDED)
    kind = type(c.ball)
    return {eps: c.apgd(objective, kind(eps)) for eps in sorted(wanted)}


def square(c: PlannedAudit) -> Attempt:
    """Return the random search."""
    return Attempt(Square(c.ball, c.budget.queries), c.subject.judged)


def bpda(c: PlannedAudit, objective: str) -> Attempt:
    """Return the attack round the part that the model names."""
    return Attempt(c.apgd(objective).optimiser, objective, via="bpda")


def transfer(c: PlannedAudit) -> list[Attempt]:
    """Return the attacks made on the source."""
    return [Attempt(c.apgd(o).optimiser, o, via="source") for o in c.objectives]


def _attempts(c: PlannedAudit) -> Iterator[Attempt]:
    """Yield all of them; that another objective may turn out strongest changes no cost."""
    if not c.gradient_error:
        first = c.objectives[0]
        yield from (c.apgd(name) for name in c.objectives)
        for ladder in (steps, restarts, draws):
            yield from ladder(c, first).values()
        yield from (*unbounded(c, first).values(), *radii(c, first).values())
        if c.subject.bypass is not None:
            yield bpda(c, first)
    if c.subject.source is not None:
        yield from transfer(c)
    yield square(c)


def check_costs(c: PlannedAudit, images: int) -> dict[str, float]:
    """Return check -> what it costs beside attacks, in evaluations with gradient of an image.

    Args:
        c: the audit.
        images: how many it looks at.
    """
    scores = 2 * (c.looks if c.subject.random else 1)
    forwards: dict[str, float] = {
        **{name: DOUBLE * COMPARED * count for name, count in COMPARISONS.items()},
        **{name: images * count for name, count in FORWARDS.items()},
        "chance": images * scores,
    }
    found = {name: FORWARD * count for name, count in forwards.items()}
    return {"pixels": float(len(c.surrogates) * images), **found}


def evaluations(c: PlannedAudit, images: int) -> float:
    """Return what an audit costs, in evaluations with gradient of an image; see ``check_costs``."""
    different = {a.__class__(a.optimiser, a.objective, c.draws_of(a), a.via) for a in _attempts(c)}
    of_noise = (c.budget.base + 2 + c.budget.gradients) * c.subject.random
    return (sum(map(c.cost, different)) + of_noise) * images + sum(check_costs(c, images).values())
