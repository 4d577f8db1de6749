"""Ascents that begin anew several times: each image keeps the end that is hardest for the model."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball
from hardsight.attacks.gradients import Objective, scheduled
from hardsight.core.batches import choose
from hardsight.core.types import AttackResult


class Restarted(ABC):
    """An optimiser of independent runs; what a subclass adds is one run.

    Of what the runs offer the best per image is kept by one more evaluation, on fresh noise and the
    objective's end: an iterate is never chosen by the draw that made it look good.
    """

    ball: Ball
    steps: int
    restarts: int
    random_start: bool

    def __post_init__(self) -> None:
        if self.steps < 0 or self.restarts < 1:
            raise ValueError(
                f"steps must be >= 0 and restarts >= 1, got {self.steps} and {self.restarts}"
            )

    @property
    @abstractmethod
    def evaluations(self) -> int:
        """Of the objective, in one call."""

    @abstractmethod
    def run(
        self, objective: Objective, x: Tensor, images: Tensor, generator: torch.Generator | None
    ) -> tuple[Tensor, ...]:
        """Return what one run offers, each (B, C, H, W), from ``x`` in the balls of ``images``."""

    def __call__(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None = None,
        start: Tensor | None = None,
    ) -> AttackResult:
        """Return the perturbed images, their objective and the evaluations spent.

        Args:
            objective: what is maximised, per image.
            images: (B, C, H, W) in [0, 1], the centres of the balls.
            generator: where all randomness comes from.
            start: (B, C, H, W) where the first restart begins, projected; None: as
                ``random_start`` says.
        """
        judge = scheduled(objective, 1.0)
        best, best_value = images, torch.full((len(images),), -torch.inf, device=images.device)
        for x in self.starts(images, generator, start):
            for end in self.run(objective, x, images, generator):
                with torch.no_grad():
                    value = judge(end, generator).float()
                better = value > best_value
                best, best_value = choose(better, end, best), choose(better, value, best_value)
        return AttackResult(best.detach(), best_value, self.evaluations)

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
