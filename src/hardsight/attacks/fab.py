"""The fast adaptive boundary attack."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball, demand_ball
from hardsight.attacks.contract import Objective
from hardsight.attacks.entry import Entry
from hardsight.attacks.gradients import Oracle
from hardsight.attacks.hyperplane import to_hyperplane
from hardsight.attacks.minimal import Nearest
from hardsight.core.batches import choose, per_image
from hardsight.core.counts import demand_whole
from hardsight.core.types import AttackResult

CAUTION = 0.9
"""Part of the interpolated way to the boundary that the final search dares to go."""

WORTH = 5e-4
"""Part of the distance that a step of the final search must save: rounding lies below."""


@dataclass(frozen=True)
class FAB(Entry):
    """Find the nearest image past the boundary g = 0 (Croce & Hein, 2020, Algorithm 1).

    The objective must be a decision: positive where the victim is fooled, as ``DecisionObjective``
    is. With fresh noise at every evaluation a decision is a matter of luck; fix the noise or
    average enough draws. What is returned is projected into ``ball``: with a large one,
    ``ball.distance(result.images, images)`` is the distance found; with that of a threat model the
    result serves a suite. An image that is never fooled comes back as the last iterate.

    Args:
        ball: Linf or L2.
        steps: iterations of a restart, two evaluations each.
        restarts: the first from the image itself or ``start``, the others from random points half
            as far away as the nearest fooling image, or as ``ball.eps`` if that is nearer.
        alpha_max: bias of a step towards the original image.
        eta: overshoot of the step past the linearised boundary.
        beta: how much of the way out remains after the backward step of a fooling image.
        search: evaluations of the final search between the image and the nearest fooling one.
    """

    ball: Ball
    steps: int = 100
    restarts: int = 1
    alpha_max: float = 0.1
    eta: float = 1.05
    beta: float = 0.9
    search: int = 3

    def __post_init__(self) -> None:
        demand_ball(self.ball)
        demand_whole(1, steps=self.steps, restarts=self.restarts)
        demand_whole(0, search=self.search)
        if not (0 <= self.alpha_max <= 1 and self.eta >= 1 and 0 < self.beta < 1):
            raise ValueError(
                "alpha_max must be in [0, 1], eta >= 1 and beta in (0, 1), got "
                f"{self.alpha_max}, {self.eta} and {self.beta}"
            )

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call."""
        return 2 + 2 * self.restarts * self.steps + self.search

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return the nearest fooling images in the ball, their objective and what was spent."""
        nearest, oracle = Nearest(self.ball, images), Oracle(objective, images, generator)
        _, clean = nearest.visit(objective, images, generator)
        for restart in range(self.restarts):
            if restart == 0:
                x = images if start is None else self.ball.project(start, images)
            else:
                x = self._random_start(nearest, generator)
            for _ in range(self.steps):
                x = self._step(oracle, x, images)
                fooled, _ = nearest.visit(objective, x, generator)
                x = choose(fooled, images + self.beta * (x - images), x)
        self._search(objective, nearest, clean, generator)
        queries = 1 + 2 * self.restarts * self.steps + self.search
        return nearest.result(oracle, x, queries)

    def _step(self, oracle: Oracle, x: Tensor, images: Tensor) -> Tensor:
        """Go past the linearised boundary from x and from the image, weighted."""
        value, gradient = oracle(x)
        at_image = value + (gradient * (images - x)).flatten(1).sum(1)
        from_x = to_hyperplane(self.ball, x, value, gradient) - x
        from_image = to_hyperplane(self.ball, images, at_image, gradient) - images
        near = self.ball.distance(x + from_x, x)
        far = self.ball.distance(images + from_image, images)
        alpha = near / (near + far).clamp_min(torch.finfo(x.dtype).tiny)
        alpha = per_image(alpha.clamp_max(self.alpha_max), x)
        step = (1 - alpha) * (x + self.eta * from_x) + alpha * (images + self.eta * from_image)
        return step.clamp(0, 1)

    def _random_start(self, nearest: Nearest, generator: torch.Generator | None) -> Tensor:
        images = nearest.centre
        offset = self.ball.random_start(images, generator) - images
        reach = nearest.distance.clamp_max(self.ball.eps) / (2 * max(self.ball.eps, 1e-12))
        return images + per_image(reach, images) * offset

    def _search(
        self,
        objective: Objective,
        nearest: Nearest,
        clean: Tensor,
        generator: torch.Generator | None,
    ) -> None:
        """Interpolate between the nearest point that fools and one that does not."""
        inner, inner_value = nearest.centre, clean
        for _ in range(self.search):
            back = nearest.value / (nearest.value - inner_value).clamp_min(1e-12)
            back = torch.where(back > WORTH, CAUTION * back.clamp_max(1), 0.0)
            x = nearest.images + per_image(back, inner) * (inner - nearest.images)
            fooled, value = nearest.visit(objective, x, generator)
            inner = choose(fooled, inner, x)
            inner_value = torch.where(fooled, inner_value, value)
