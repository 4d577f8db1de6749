"""The shortest way out of a linearised decision."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball, demand_ball
from hardsight.attacks.contract import Objective
from hardsight.attacks.entry import Entry
from hardsight.attacks.gradients import Oracle
from hardsight.attacks.hyperplane import to_hyperplane
from hardsight.attacks.minimal import finished
from hardsight.core.batches import choose
from hardsight.core.counts import demand_whole
from hardsight.core.types import AttackResult


@dataclass(frozen=True)
class DeepFool(Entry):
    """Step onto the linearised g = 0 until past it (Moosavi-Dezfooli et al., 2016, Algorithm 1).

    The binary case, for objectives that are decisions: positive where the victim is fooled. Each
    step goes to the nearest point of the boundary inside [0, 1], where the paper knows no bounds;
    the boundary is linearised where the overshot iterate stands, so a step costs one evaluation.
    What is returned is projected into ``ball``, as ``FAB`` does.

    Args:
        ball: Linf or L2.
        steps: most iterations.
        overshoot: how far past the boundary the sum of the steps is stretched.
    """

    ball: Ball
    steps: int = 50
    overshoot: float = 0.02

    def __post_init__(self) -> None:
        demand_ball(self.ball)
        demand_whole(1, steps=self.steps)
        if not self.overshoot >= 0:
            raise ValueError(f"overshoot must be >= 0, got {self.overshoot}")

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call, at most."""
        return self.steps + 1

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return the images past the boundary in the ball, their objective and what was spent."""
        x = images if start is None else self.ball.project(start, images)
        total = x - images
        oracle, queries = Oracle(objective, images, generator), 0
        for _ in range(self.steps):
            value, gradient = oracle(x)
            queries += 1
            fooled = value > 0
            if bool(fooled.all()):
                break
            total = total + to_hyperplane(self.ball, x, value, gradient) - x
            past = (images + (1 + self.overshoot) * total).clamp(0, 1)
            x = choose(fooled, x, past)
        return finished(self.ball, images, oracle, x, queries)
