"""The penalty attack in L2."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardsight.attacks.balls import L2, Ball
from hardsight.attacks.contract import Objective
from hardsight.attacks.entry import Entry
from hardsight.attacks.gradients import Oracle
from hardsight.attacks.minimal import Nearest
from hardsight.core.batches import per_image
from hardsight.core.counts import demand_whole
from hardsight.core.types import AttackResult

INSIDE = 1 - 1e-6
"""How far towards black and white the start may lie: at the bounds tanh has no inverse."""

BETA1, BETA2, TINY = 0.9, 0.999, 1e-8
"""Moments of Adam (Kingma & Ba, 2015, Algorithm 1)."""


@dataclass(frozen=True)
class CarliniWagner(Entry):
    """Minimise ||x - image||^2 + c max(confidence - g(x), 0) (Carlini & Wagner, 2017, section VI).

    For objectives that are decisions: positive where the victim is fooled. x = (tanh(w) + 1) / 2
    keeps to [0, 1]; Adam moves w; c is searched for each image, tenfold until it fools, then by
    halves. What is returned is projected into ``ball``, as ``FAB`` does.

    Args:
        ball: L2.
        steps: of Adam, for each constant; one evaluation each.
        searches: constants tried.
        learning_rate: of Adam.
        constant: the first c, per unit of the objective.
        confidence: how far past the boundary the penalty still pushes, in units of the objective.
    """

    ball: Ball
    steps: int = 100
    searches: int = 9
    learning_rate: float = 0.01
    constant: float = 1e-3
    confidence: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.ball, L2):
            raise ValueError(f"Carlini & Wagner's attack is of L2, got {self.ball}; take L2(0.5)")
        demand_whole(1, steps=self.steps, searches=self.searches)
        if not (self.learning_rate > 0 and self.constant > 0 and self.confidence >= 0):
            raise ValueError(
                "learning_rate and constant must be > 0 and confidence >= 0, got "
                f"{self.learning_rate}, {self.constant} and {self.confidence}"
            )

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call."""
        return 2 + self.searches * self.steps

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return the nearest fooling images in the ball, their objective and what was spent."""
        nearest, oracle = Nearest(self.ball, images), Oracle(objective, images, generator)
        nearest.visit(objective, images, generator)
        begin = images if start is None else self.ball.project(start, images)
        outset = torch.atanh((2 * begin - 1) * INSIDE)
        c = torch.full_like(nearest.distance, self.constant)
        low, high = torch.zeros_like(c), torch.full_like(c, torch.inf)
        x = begin
        for _ in range(self.searches):
            w = outset
            mean, square = torch.zeros_like(w), torch.zeros_like(w)
            succeeded = torch.zeros_like(c, dtype=torch.bool)
            for i in range(1, self.steps + 1):
                t = torch.tanh(w)
                x = (t + 1) / 2
                value, gradient = oracle(x)
                succeeded |= nearest.offer(x, value)
                push = per_image(torch.where(value < self.confidence, c, 0.0), x)
                slope = (2 * (x - images) - push * gradient) * (1 - t * t) / 2
                mean = torch.lerp(slope, mean, BETA1)
                square = torch.lerp(slope * slope, square, BETA2)
                size = (square / (1 - BETA2**i)).sqrt() + TINY
                w = w - self.learning_rate * mean / (1 - BETA1**i) / size
            high = torch.where(succeeded, torch.minimum(high, c), high)
            low = torch.where(succeeded, low, torch.maximum(low, c))
            c = torch.where(high.isfinite(), (low + high) / 2, 10 * c)
        return nearest.result(oracle, x, 1 + self.searches * self.steps)
