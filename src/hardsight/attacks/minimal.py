"""What attacks that look for the nearest fooling image share."""

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball
from hardsight.attacks.contract import Objective
from hardsight.attacks.gradients import Oracle, evaluate
from hardsight.core.batches import choose
from hardsight.core.types import AttackResult


class Nearest:
    """The nearest image found so far whose objective is positive, for each image of a batch.

    Args:
        ball: of which the norm measures distance.
        centre: (B, C, H, W) the clean images.
    """

    def __init__(self, ball: Ball, centre: Tensor) -> None:
        self.ball, self.centre = ball, centre
        self.images = centre.clone()
        self.distance = torch.full_like(centre.flatten(1)[:, 0], torch.inf)
        self.value = torch.full_like(self.distance, -torch.inf)

    @property
    def found(self) -> Tensor:
        """(B,) bool: some image fooled."""
        return self.distance.isfinite()

    def offer(self, x: Tensor, value: Tensor) -> Tensor:
        """Keep images that fool and are nearer than those before; (B,) bool which of ``x`` fool."""
        fooled = value > 0
        distance = self.ball.distance(x, self.centre)
        nearer = fooled & (distance < self.distance)
        self.images = choose(nearer, x, self.images)
        self.distance = torch.where(nearer, distance, self.distance)
        self.value = torch.where(nearer, value.to(self.value), self.value)
        return fooled

    def visit(
        self, objective: Objective, x: Tensor, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """Evaluate and ``offer`` images; (B,) bool which of them fool, and (B,) their objective."""
        value = evaluate(objective, x, generator)
        return self.offer(x, value), value

    def result(
        self,
        oracle: Oracle,
        last: Tensor,
        queries: int,
    ) -> AttackResult:
        """Return the nearest, or ``last`` where none fooled, in the ball; one evaluation more."""
        images = choose(self.found, self.images, last)
        return finished(self.ball, self.centre, oracle, images, queries)


def finished(
    ball: Ball, centre: Tensor, oracle: Oracle, images: Tensor, queries: int
) -> AttackResult:
    """Project into the ball, so that any suite may use the images, and evaluate once more."""
    images = ball.project(images, centre).detach()
    value = evaluate(oracle.objective, images, oracle.generator)
    return AttackResult(images, value.float(), queries + 1, oracle.nonfinite)
