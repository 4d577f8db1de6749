"""The suites by name, each at two budgets."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hardsight.attacks.adaptive import A3
from hardsight.attacks.apgd import APGD
from hardsight.attacks.balls import Ball, build_ball
from hardsight.attacks.composite import Composite
from hardsight.attacks.fab import FAB
from hardsight.attacks.optimisers import Optimiser
from hardsight.attacks.pgd import PGD, bim, fgsm
from hardsight.attacks.sea import SEA_LOSSES, Progressive
from hardsight.attacks.square import Square
from hardsight.attacks.suites import Attempt, Suite, Via


@dataclass(frozen=True)
class Effort:
    """What an attacker may spend on an image.

    ``objectives``: of the image score, the smooth surrogates beside the score itself;
    ``step_size``: of PGD, None for its own.
    """

    steps: int
    draws: int
    restarts: int
    queries: int
    objectives: tuple[str, ...] = ("score", "top", "mean")
    step_size: float | None = None

    def pgd(self, ball: Ball) -> PGD:
        """PGD with all of it."""
        return PGD(ball, self.steps, self.step_size, self.restarts)


BUDGETS = {
    "fast": Effort(steps=20, draws=4, restarts=1, queries=50),
    "full": Effort(
        steps=100,
        draws=20,
        restarts=5,
        queries=5000,
        objectives=("score", "lse", "top", "mean", "region"),
    ),
}
"""``fast``: what two CPU cores can afford on a whole test set; ``full``: the literature's."""

Attempts = tuple[Attempt, ...]
Recipe = Callable[[Ball, Effort], Attempts]


def _pgd(ball: Ball, e: Effort) -> Attempts:
    return (Attempt(e.pgd(ball), "score"),)


def _each(
    optimiser: Optimiser, objectives: tuple[str, ...], draws: int, via: Via = "exact"
) -> Attempts:
    return tuple(Attempt(optimiser, name, draws, via) for name in objectives)


def _autoattack(ball: Ball, e: Effort) -> Attempts:
    apgd = _each(APGD(ball, e.steps, e.restarts), e.objectives, 1)
    fab = Attempt(FAB(ball, e.steps, e.restarts), "decision", optional=True)
    return (*apgd, fab, Attempt(Square(ball, e.queries), "score"))


def _eot_pgd(ball: Ball, e: Effort) -> Attempts:
    return (*_pgd(ball, e), *_each(e.pgd(ball), e.objectives, e.draws))


def _autoattack_rand(ball: Ball, e: Effort) -> Attempts:
    apgd = _each(APGD(ball, e.steps, e.restarts), e.objectives, e.draws)
    return (*_eot_pgd(ball, e), *apgd, Attempt(Square(ball, e.queries), "score", e.draws))


def _caa(ball: Ball, e: Effort) -> Attempts:
    chain = (PGD(ball, e.steps, momentum=0.75), APGD(ball, e.steps), PGD(ball, e.steps))
    return _each(Composite(chain), e.objectives, e.draws)


def _a3(ball: Ball, e: Effort) -> Attempts:
    restarts = max(e.restarts, 3)
    optimiser = A3(PGD(ball, max(1, e.steps // 2)), restarts)
    return (Attempt(optimiser, "decision", e.draws),)


def _map(losses: tuple[str, ...], progressive: bool = False) -> Recipe:
    def recipe(ball: Ball, e: Effort) -> Attempts:
        sea = Progressive(APGD(ball, e.steps, e.restarts))
        return _each(sea if progressive else e.pgd(ball), losses, e.draws)

    return recipe


RECIPES: dict[str, Recipe] = {
    "fgsm": lambda ball, e: (Attempt(fgsm(ball), "score"),),
    "bim": lambda ball, e: (Attempt(bim(ball, e.steps), "score"),),
    "pgd": _pgd,
    "eot-pgd": _eot_pgd,
    "bpda": lambda ball, e: _each(e.pgd(ball), e.objectives, 1, "bpda"),
    "bpda-eot": lambda ball, e: _each(e.pgd(ball), e.objectives, e.draws, "bpda"),
    "square": lambda ball, e: (Attempt(Square(ball, e.queries), "score", e.draws),),
    "transfer": lambda ball, e: _each(e.pgd(ball), e.objectives, 1, "source"),
    "grey-box": lambda ball, e: _each(e.pgd(ball), e.objectives, e.draws, "source"),
    "autoattack": _autoattack,
    "autoattack-rand": _autoattack_rand,
    "caa": _caa,
    "a3": _a3,
    "map-pgd": _map(("balanced",)),
    "segpgd": _map(("segpgd",)),
    "sea": _map(SEA_LOSSES, progressive=True),
}
"""Suite name -> attempts.

``pgd`` is the attack of FreeRAD (on the score, one draw a step); ``eot-pgd`` holds it too, averages
draws and adds smooth surrogates; ``autoattack`` is APGD on each objective, FAB where a decision
exists, and Square; ``autoattack-rand`` the same with averaged draws, without FAB, whose line search
no random decision boundary bears, but with all of ``eot-pgd``, whose short steps average the noise
that APGD's long ones follow: in 20 steps it was the stronger of the two. ``transfer`` and
``grey-box`` are crafted on another detector: any one, or one of the same making with other weights.
``map-pgd``, ``segpgd`` and ``sea`` attack the map.
"""

PIXEL = ("map-pgd", "segpgd", "sea")
"""Suites that attack the map; all others attack the image score."""

_DRAWN = ("eot-pgd", "autoattack-rand")
"""Suites after which the detector is also attacked with its noise fixed and known."""


def build_suite(
    name: str,
    norm: str = "Linf",
    eps: str | float = "2/255",
    budget: str = "fast",
    *,
    fixed: bool | None = None,
    **own: Any,
) -> Suite:
    """Return the suite called ``name``.

    Args:
        name: a key of ``RECIPES``.
        norm: "Linf" or "L2".
        eps: the radius, e.g. ``"8/255"``.
        budget: "fast" or "full".
        fixed: also attack with the noise fixed and known; None: in suites that average draws.
        own: fields of ``Effort`` that differ from the budget's, e.g. ``steps=10``.

    Raises:
        ValueError: an unknown name, budget, norm or field, or a radius that is none.
    """
    if name not in RECIPES:
        raise ValueError(f"suite={name!r} is not known; choose from {', '.join(RECIPES)}")
    if budget not in BUDGETS:
        raise ValueError(f"budget={budget!r} is not known; choose from {', '.join(BUDGETS)}")
    unknown = own.keys() - Effort.__dataclass_fields__.keys()
    if unknown:
        raise ValueError(
            f"a budget has no {', '.join(sorted(unknown))}; "
            f"it has {', '.join(Effort.__dataclass_fields__)}"
        )
    effort = replace(BUDGETS[budget], **own)
    if not effort.objectives:
        raise ValueError("objectives must name at least one objective")
    recipe = RECIPES[name]
    return Suite(
        name=name,
        ball=build_ball(norm, eps),
        build=lambda ball: recipe(ball, effort),
        target="pixel" if name in PIXEL else "image",
        budget="own" if effort != BUDGETS[budget] else budget,
        fixed=name in _DRAWN if fixed is None else fixed,
    )
