"""Projected gradient ascent."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball
from hardsight.attacks.contract import Objective
from hardsight.attacks.gradients import Oracle
from hardsight.attacks.restarts import Restarted
from hardsight.core.batches import per_image


@dataclass(frozen=True)
class PGD(Restarted):
    """Projected gradient ascent (Madry et al., 2018; FreeRAD, Eq. 3.1 and 3.2).

    The last iterate of each restart is kept, and of the restarts the best per image, see
    ``Restarted``. An objective that changes over the attack is followed, see ``scheduled``.

    Args:
        ball: the threat model.
        steps: gradient steps of a restart; 0 returns the start.
        step_size: length of a step in the ball's norm; default ``2.5 * eps / steps``
            (Madry et al.), in L2 twice that (``Ball.path``).
        restarts: independent runs, told apart by their start and by the objective's noise.
        random_start: start from a random point of the ball, else at the image itself (FreeRAD).
        momentum: share of the accumulated gradient kept at each step, gradients being divided by
            their mean absolute value (MI-FGSM, Dong et al., 2018, Algorithm 1); 0 keeps none.

    Shape:
        objective: images (B, C, H, W) -> (B,). images: (B, C, H, W) in [0, 1].

    Examples:
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
    momentum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step_size is not None and not self.step_size > 0:
            raise ValueError(f"step_size must be > 0, got {self.step_size}")
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must be in [0, 1], got {self.momentum}")

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call."""
        return self.restarts * (self.steps + 1)

    def last(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None = None,
        start: Tensor | None = None,
    ) -> Tensor:
        """Return where one restart ends, (B, C, H, W) detached: all that training needs.

        It is not evaluated, which saves the last of ``steps + 1`` passes. Arguments as of a call.

        Raises:
            ValueError: a gradient that is not finite, and what an objective raises.
        """
        oracle = Oracle(objective, images, generator)
        (end,) = self.run(oracle, next(self.starts(images, generator, start)), images)
        oracle.demand_finite()
        return end.detach()

    def run(self, oracle: Oracle, x: Tensor, images: Tensor) -> tuple[Tensor, ...]:
        """Return the last iterate."""
        step_size = self.step_size or self.ball.path * self.ball.eps / max(self.steps, 1)
        gathered = torch.zeros_like(images)
        for i in range(self.steps):
            _, gradient = oracle(x, i / self.steps)
            if self.momentum:
                gradient = gathered = self.momentum * gathered + _normalised(gradient)
            x = self.ball.project(self.ball.ascend(x, gradient, step_size), images)
        return (x,)


def _normalised(gradient: Tensor) -> Tensor:
    """Divide (B, ...) by each image's mean absolute value; zero stays zero."""
    size = gradient.flatten(1).abs().mean(1).clamp_min(torch.finfo(gradient.dtype).tiny)
    return gradient / per_image(size, gradient)


def fgsm(ball: Ball) -> PGD:
    """Return the fast gradient sign method (Goodfellow et al., 2015): one step from the image."""
    return PGD(ball, steps=1, step_size=ball.eps or None, random_start=False)


def bim(ball: Ball, steps: int = 10) -> PGD:
    """Return the basic iterative method (Kurakin et al., 2017): from the image itself.

    The paper steps by 1/255 and takes ``1.25 eps`` such steps, a quarter more than the radius in
    all; that ratio is kept for any number of steps: ``step_size = 1.25 * eps / steps``.
    """
    return PGD(ball, steps, 1.25 * ball.eps / max(steps, 1) or None, random_start=False)
