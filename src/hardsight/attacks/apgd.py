"""Auto-PGD: projected gradient ascent with momentum, whose step size looks after itself."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball
from hardsight.attacks.gradients import Oracle
from hardsight.attacks.restarts import Restarted
from hardsight.core.batches import choose, per_image
from hardsight.core.rounding import ceil


def checkpoints(steps: int) -> list[int]:
    """Return the steps at which the step size is reconsidered (Croce & Hein, 2020, section 3.1).

    ``ceil(p_j * steps)`` for p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06).
    """
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return sorted({ceil(p * steps) for p in shares if p <= 1} - {0})


@dataclass(frozen=True)
class APGD(Restarted):
    """Auto-PGD (Croce & Hein, 2020, Algorithm 1).

    The step starts at 2 eps and is halved, per image, at a checkpoint where too few steps since
    the last one raised the objective, or where neither step size nor best value has changed since;
    the search then goes on from the best iterate. All this is judged on the objective as it is
    given. One that averages noise draws is judged on the average; the published ``rand`` version
    averages gradients but judges on its last draw only.

    With a random objective the best value found is partly luck: the best iterate steers, but what
    is returned is the better of the last and the best iterate (and of the restarts) by one more
    evaluation on fresh noise. Value and gradient come from one forward and backward pass a step.
    An objective that changes over the attack is followed, see ``scheduled``.

    Args:
        ball: the threat model.
        steps: gradient steps of a restart; 0 returns the start.
        restarts: independent runs, told apart by their start and by the objective's noise.
        rho: share of the steps between checkpoints that must raise the objective.
        momentum: share of the previous move in the next; 1 - alpha in the paper.
        random_start: start from a random point of the ball, else at the image itself.

    Shape:
        objective: images (B, C, H, W) -> (B,). images: (B, C, H, W) in [0, 1].
    """

    ball: Ball
    steps: int = 100
    restarts: int = 1
    rho: float = 0.75
    momentum: float = 0.25
    random_start: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.rho <= 1:
            raise ValueError(f"rho must be in [0, 1], got {self.rho}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {self.momentum}")

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call."""
        return self.restarts * (self.steps + 2)

    def run(self, oracle: Oracle, x: Tensor, images: Tensor) -> tuple[Tensor, ...]:
        """Return the last and the best iterate."""
        best, best_gradient = x, torch.zeros_like(x)
        step_size = per_image(x.new_full((len(x),), 2 * self.ball.eps), x)
        value = best_value = checked_best = x.new_full((len(x),), -torch.inf)
        rises = torch.zeros(len(x), device=x.device)
        halved = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        before, since, watch = x, 0, set(checkpoints(self.steps))
        for i in range(self.steps):
            last_value = value
            value, gradient = oracle(x, i / self.steps)
            if i:
                rises, since = rises + (value > last_value), since + 1
            ahead = value > best_value
            best, best_gradient = choose(ahead, x, best), choose(ahead, gradient, best_gradient)
            best_value = torch.maximum(value, best_value)
            if i in watch:
                idle = ~halved & (best_value <= checked_best)
                halved = (rises < self.rho * since) | idle
                step_size = choose(halved, step_size / 2, step_size)
                x, gradient = choose(halved, best, x), choose(halved, best_gradient, gradient)
                value = choose(halved, best_value, value)
                checked_best, rises, since = best_value, torch.zeros_like(rises), 0
            step = self.ball.project(self.ball.ascend(x, gradient, step_size), images)
            if i:
                moved = x + (1 - self.momentum) * (step - x) + self.momentum * (x - before)
                step = self.ball.project(moved, images)
            before, x = x, step
        return x, best
