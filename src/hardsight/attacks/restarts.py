"""Ascents that begin anew several times: each image keeps the end that is hardest for the model."""

from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball, demand_ball
from hardsight.attacks.contract import Objective, scheduled
from hardsight.attacks.entry import Entry
from hardsight.attacks.gradients import Oracle, evaluate
from hardsight.core.batches import choose
from hardsight.core.counts import demand_whole
from hardsight.core.types import AttackResult


class Restarted(Entry):
    """An optimiser of independent runs; what a subclass adds is one run.

    Of what the runs offer the best per image is kept by one more evaluation, on fresh noise and the
    objective's end: an iterate is never chosen by the draw that made it look good.
    """

    ball: Ball
    steps: int
    restarts: int
    random_start: bool

    def __post_init__(self) -> None:
        demand_ball(self.ball)
        demand_whole(0, steps=self.steps)
        demand_whole(1, restarts=self.restarts)

    @property
    @abstractmethod
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call."""

    @abstractmethod
    def run(self, oracle: Oracle, x: Tensor, images: Tensor) -> tuple[Tensor, ...]:
        """Return what one run offers, each (B, C, H, W), from ``x`` in the balls of ``images``."""

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return the best end of all runs; ``random_start`` says where they begin."""
        judge, oracle = scheduled(objective, 1.0), Oracle(objective, images, generator)
        best, best_value = images, images.new_full((len(images),), -torch.inf)
        for x in self.starts(images, generator, start):
            for end in self.run(oracle, x, images):
                value = evaluate(judge, end, generator)
                better = value > best_value
                best, best_value = choose(better, end, best), choose(better, value, best_value)
        return AttackResult(best, best_value.float(), self.evaluations, oracle.nonfinite)

    def starts(
        self, images: Tensor, generator: torch.Generator | None, start: Tensor | None
    ) -> Iterator[Tensor]:
        """Yield where each restart begins: the first at ``start`` if it is given, in the ball."""
        for restart in range(self.restarts):
            if start is not None and restart == 0:
                yield self.ball.project(start, images)
            elif self.random_start:
                yield self.ball.random_start(images, generator)
            else:
                yield images
