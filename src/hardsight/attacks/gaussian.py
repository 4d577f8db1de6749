"""Gaussian noise, for comparison with attacks."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardsight.attacks.balls import L2, Ball, demand_ball
from hardsight.attacks.contract import Objective
from hardsight.attacks.entry import Entry
from hardsight.attacks.gradients import evaluate
from hardsight.core.types import AttackResult


@dataclass(frozen=True)
class GaussianNoise(Entry):
    """No attack: Gaussian noise of standard deviation ``eps / sqrt(values)`` in L2, ``eps`` else.

    It is projected into the ball; in L2 its length is about the radius. A model that loses accuracy
    to it needs no attacker.
    """

    ball: Ball
    by_gradient = False

    def __post_init__(self) -> None:
        demand_ball(self.ball)

    @property
    def evaluations(self) -> int:
        """Count none: there is no search."""
        return 0

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return noisy images, and their objective on fresh noise."""
        noise = torch.empty_like(images, memory_format=torch.contiguous_format)
        noise = noise.normal_(generator=generator)
        share = images[0].numel() ** -0.5 if isinstance(self.ball, L2) else 1.0
        x = self.ball.project(images + self.ball.eps * share * noise, images)
        return AttackResult.gradient_free(x, evaluate(objective, x, generator).float(), 0)
