"""What an audit may spend."""

from dataclasses import dataclass

from hardsight.attacks import ScoreVictim
from hardsight.attacks.class_suites import LabelledVictim
from hardsight.evaluation.subjects.subject import Kind


@dataclass(frozen=True)
class Budget:
    """How hard the audit attacks.

    Args:
        name: for the record.
        objectives: of a detector's score; each is tried, and the strongest goes on alone.
        steps: ladder of gradient steps, rising.
        base: steps of every other attack.
        restarts: ladder of restarts, rising, from 1.
        draws: ladder of noise draws averaged in a gradient, rising, from 1.
        radii: multiples of eps at which the figure must fall.
        queries: of the random search.
        gradients: noise draws whose gradients are compared; even.
        losses: what is tried of a classifier in place of ``objectives``, where it has the classes.
    """

    name: str
    objectives: tuple[str, ...] = ("score", "top", "mean")
    steps: tuple[int, ...] = (5, 10, 20)
    base: int = 10
    restarts: tuple[int, ...] = (1, 2)
    draws: tuple[int, ...] = (1, 4)
    radii: tuple[float, ...] = (1, 4)
    queries: int = 60
    gradients: int = 8
    losses: tuple[str, ...] = ("ce", "margin", "dlr")

    def __post_init__(self) -> None:
        for name in ("steps", "restarts", "draws"):
            ladder = getattr(self, name)
            if not ladder or list(ladder) != sorted(set(ladder)) or ladder[0] < 1:
                raise ValueError(f"{name} must be a rising ladder of counts, got {ladder}")
        if self.gradients < 4 or self.gradients % 2:
            raise ValueError(f"gradients must be even and at least 4, got {self.gradients}")
        for name, known in (("objectives", ScoreVictim.names), ("losses", LabelledVictim.names)):
            if not (asked := getattr(self, name)) or not set(asked) <= set(known):
                raise ValueError(f"{name} must be some of {', '.join(known)}, got {asked}")

    def of(self, kind: Kind) -> tuple[str, ...]:
        """Return the objectives that a kind of subject is attacked by."""
        return self.objectives if kind == "detector" else self.losses


BUDGETS = {
    "quick": Budget(
        "quick",
        ("score", "mean"),
        (5, 10),
        5,
        queries=30,
        gradients=4,
        losses=("ce", "margin"),
    ),
    "default": Budget("default"),
    "full": Budget(
        "full",
        ("score", "lse", "top", "mean"),
        steps=(10, 20, 50, 100),
        base=20,
        restarts=(1, 5),
        draws=(1, 4, 20),
        radii=(0.5, 1, 2, 4, 8),
        queries=1000,
        gradients=20,
        losses=("ce", "margin", "dlr", "dlr-1", "dlr-2", "dlr-3"),
    ),
}
"""``quick``: half of ``default``, which two CPU cores can afford; ``full``: for an accelerator."""
