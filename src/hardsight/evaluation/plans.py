"""Named attacks with their budgets."""

from dataclasses import dataclass, replace
from typing import Any

from hardsight.attacks import PGD, SURROGATES, Ball, build_ball
from hardsight.evaluation.results import Budget


@dataclass(frozen=True)
class AttackPlan:
    """An attack of the image score: what is run, and what it may cost.

    Each surrogate is attacked with the whole budget; the worst image of them is kept.

    Args:
        name: the row's name in the table.
        ball: the threat model.
        steps, restarts: of PGD.
        draws: noise draws averaged in each gradient, counted in single draws.
        surrogates: names of ``hardsight.attacks.SURROGATES``.
        fixed: also attack with the noise fixed and known (the "fixed" column).
    """

    name: str
    ball: Ball
    steps: int = 20
    restarts: int = 1
    draws: int = 1
    surrogates: tuple[str, ...] = ("score",)
    fixed: bool = False

    def __post_init__(self) -> None:
        unknown = [s for s in self.surrogates if s not in SURROGATES]
        if unknown or not self.surrogates:
            raise ValueError(f"surrogates={self.surrogates!r}: choose from {', '.join(SURROGATES)}")

    @property
    def budget(self) -> Budget:
        """What the attacker spends on an image."""
        return Budget(self.steps, self.restarts, self.draws, self.surrogates)

    @property
    def optimiser(self) -> PGD:
        """The attack itself."""
        return PGD(self.ball, steps=self.steps, restarts=self.restarts)

    def at(self, eps: float) -> "AttackPlan":
        """Return the same attack with another radius."""
        return replace(self, ball=type(self.ball)(eps))


def build_plan(
    name: str, norm: str = "Linf", eps: str | float = "2/255", **budget: Any
) -> AttackPlan:
    """Return the plan called ``name`` at radius ``eps``; ``budget`` overrides its steps and so on.

    Raises:
        ValueError: an unknown name, norm or radius.
    """
    if name not in PLANS:
        raise ValueError(f"attack={name!r} is not known; choose from {', '.join(PLANS)}")
    return replace(PLANS[name], ball=build_ball(norm, eps), **budget)


_ANY = build_ball("Linf", "2/255")
PLANS: dict[str, AttackPlan] = {
    "pgd": AttackPlan("pgd", _ANY),
    "eot-pgd": AttackPlan(
        "eot-pgd", _ANY, draws=4, surrogates=("score", "top", "mean"), fixed=True
    ),
    "curve": AttackPlan("curve", _ANY, steps=10, draws=2),
}
"""Attack name -> plan at L-inf 2/255: ``pgd`` as the paper runs it (here with fresh noise at every
step), ``eot-pgd`` on the score and on smooth surrogates, ``curve`` the quick one behind AUROC
against eps."""
