"""Projected gradient ascent."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball
from hardsight.attacks.gradients import Objective, value_and_gradient
from hardsight.types import AttackResult


@dataclass(frozen=True)
class PGD:
    """Projected gradient ascent (Madry et al., 2018; FreeRAD, Eq. 3.1 and 3.2).

    The last iterate of each restart is kept, and of the restarts the best per image by one more
    evaluation on fresh noise: an iterate is never chosen by the draw that made it look good.

    Args:
        ball: the threat model.
        steps: gradient steps of a restart; 0 returns the start.
        step_size: length of a step in the ball's norm; default ``2.5 * eps / steps``.
        restarts: independent runs, told apart by their start and by the objective's noise.
        random_start: start from a random point of the ball, else at the image itself (FreeRAD).

    Shape:
        objective: images (B, C, H, W) -> (B,). images: (B, C, H, W) in [0, 1].

    Example:
        >>> import torch
        >>> from hardsight.attacks import PGD, Linf
        >>> def brightness(images, generator=None):
        ...     return images.mean((1, 2, 3))
        >>> grey = torch.full((1, 3, 4, 4), 0.5)
        >>> result = PGD(Linf(0.1), steps=5)(brightness, grey)
        >>> round(float(result.objective), 4)
        0.6
    """

    ball: Ball
    steps: int = 20
    step_size: float | None = None
    restarts: int = 1
    random_start: bool = True

    def __post_init__(self) -> None:
        if self.steps < 0 or self.restarts < 1:
            raise ValueError(
                f"steps must be >= 0 and restarts >= 1, got {self.steps} and {self.restarts}"
            )
        if self.step_size is not None and not self.step_size > 0:
            raise ValueError(f"step_size must be > 0, got {self.step_size}")

    def __call__(
        self, objective: Objective, images: Tensor, generator: torch.Generator | None = None
    ) -> AttackResult:
        """Return the perturbed images, their objective and the evaluations spent."""
        step_size = self.step_size or 2.5 * self.ball.eps / max(self.steps, 1)
        best, best_value = images, torch.full((len(images),), -torch.inf, device=images.device)
        for _ in range(self.restarts):
            x = self.ball.random_start(images, generator) if self.random_start else images
            for _ in range(self.steps):
                _, gradient = value_and_gradient(objective, x, generator)
                x = self.ball.project(self.ball.ascend(x, gradient, step_size), images)
            with torch.no_grad():
                value = objective(x, generator).float()
            better = value > best_value
            best = torch.where(better.view(-1, *[1] * (x.ndim - 1)), x, best)
            best_value = torch.where(better, value, best_value)
        return AttackResult(best.detach(), best_value, self.restarts * (self.steps + 1))
