"""What an attacker may spend on an image, and the budgets that have a name."""

from dataclasses import dataclass
from numbers import Integral, Real

from hardsight.attacks.balls import Ball
from hardsight.attacks.pgd import PGD


@dataclass(frozen=True)
class Effort:
    """What an attacker may spend on an image.

    Args:
        steps: of a gradient attack's restart.
        draws: noise draws averaged in a gradient.
        restarts: of a gradient attack.
        queries: of a random search.
        objectives: of the image score: the score itself and smooth surrogates of it.
        step_size: of PGD; None: its own.
        submissions: how often an image is attacked and submitted anew; None: as the attack says.

    Raises:
        ValueError: what is counted is no whole number, or objectives are no list of names.
    """

    steps: int
    draws: int
    restarts: int
    queries: int
    objectives: tuple[str, ...] = ("score", "top", "mean")
    step_size: float | None = None
    submissions: int | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "draws", "restarts", "queries", "submissions"):
            value = getattr(self, name)
            if not isinstance(value, Integral | None):
                raise ValueError(f"{name} must be a whole number, got {value!r}")
        if not isinstance(self.step_size, Real | None):
            raise ValueError(f"step_size must be a number, got {self.step_size!r}")
        if isinstance(self.objectives, str):
            raise ValueError(
                f"objectives must be a list of names, got {self.objectives!r}; "
                f"give [{self.objectives!r}]"
            )

    def pgd(self, ball: Ball) -> PGD:
        """Return PGD with all of it."""
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
