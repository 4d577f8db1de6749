"""The segmentation ensemble attack: shrinking balls, several losses, the worst case kept."""

from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball, Linf
from hardsight.attacks.contract import Objective, scheduled
from hardsight.attacks.entry import Entry
from hardsight.attacks.optimisers import Stepped, altered
from hardsight.core.types import AttackResult

SEA_LOSSES = ("balanced-bce", "masked-bce", "js")
"""The losses of the ensemble, names of ``MAP_LOSSES``."""


@dataclass(frozen=True)
class Progressive(Entry):
    """Attack in larger balls first, each result the next start (SEA, Croce et al., 2024).

    Radii 2 eps, 1.5 eps and eps with 3 : 3 : 4 of the steps: a large ball is easy to be fooled in,
    and its fooling image, projected, starts the next nearer to one than the clean image does. An
    objective that changes over the attack runs its course once over all stages.

    Args:
        optimiser: with ``ball``, the threat model, and ``steps``, of all stages together.
        factors: radius of each stage over that of the ball; the last must be 1.
        shares: of the steps, one for each stage.
    """

    optimiser: Stepped
    factors: tuple[float, ...] = (2.0, 1.5, 1.0)
    shares: tuple[float, ...] = (3.0, 3.0, 4.0)

    def __post_init__(self) -> None:
        if not self.factors or min(self.factors) <= 0 or self.factors[-1] != 1:
            raise ValueError(f"factors must be positive and end with 1, got {self.factors}")
        if len(self.shares) != len(self.factors) or min(self.shares) <= 0:
            raise ValueError(
                f"shares must be positive, one for each of {len(self.factors)} factors, "
                f"got {self.shares}"
            )
        altered(self.optimiser, ball=self.ball, steps=1)  # raises if it cannot be
        if 0 in self._steps():
            raise ValueError(
                f"steps={self.optimiser.steps} of the optimiser leave a stage without any; "
                f"give it more, or fewer factors than {len(self.factors)}"
            )

    @property
    def ball(self) -> Ball:
        """Return the threat model: the last and smallest ball."""
        return self.optimiser.ball

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call."""
        return sum(altered(self.optimiser, steps=steps).evaluations for steps in self._steps())

    def _steps(self) -> list[int]:
        """Return the steps of each stage."""
        whole = sum(self.shares)
        ends = [round(self.optimiser.steps * e / whole) for e in accumulate(self.shares)]
        return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return the last stage's images and objective, and the evaluations of all."""
        done = queries = 0
        nonfinite = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        for factor, steps in zip(self.factors, self._steps(), strict=True):
            stage = altered(self.optimiser, ball=_scaled(self.ball, factor), steps=steps)
            part = Window(
                objective, done / self.optimiser.steps, (done + steps) / self.optimiser.steps
            )
            found = stage(part, images, generator, start)
            start, done, queries = found.images, done + steps, queries + found.queries
            nonfinite |= found.nonfinite
        return found._replace(queries=queries, nonfinite=nonfinite)


def _scaled(ball: Ball, factor: float) -> Ball:
    """Return the ball with ``factor`` times the radius; L-inf has none beyond 1, the whole box."""
    eps = ball.eps * factor
    return replace(ball, eps=min(eps, 1.0) if isinstance(ball, Linf) else eps)


@dataclass(frozen=True)
class Window:
    """The part of an objective's course, from ``begin`` to ``end`` in [0, 1], as a course.

    What an objective without a course is worth does not change.
    """

    objective: Objective
    begin: float
    end: float

    def at(self, fraction: float) -> Objective:
        """Return the objective when ``fraction`` of the window is over."""
        moment = self.begin + fraction * (self.end - self.begin)
        return scheduled(self.objective, min(moment, 1.0))

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the loss (B,) of images (B, C, H, W) at the end of the window."""
        return self.at(1.0)(images, generator)
