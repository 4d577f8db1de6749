"""The adaptive auto attack: starts that learn, and a budget that goes where it may help."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball
from hardsight.attacks.contract import Divisible, Objective, Selectable, Vectorial
from hardsight.attacks.entry import Entry
from hardsight.attacks.gradients import Oracle
from hardsight.attacks.optimisers import Stepped, altered
from hardsight.attacks.pgd import PGD
from hardsight.core.batches import choose
from hardsight.core.counts import demand_whole
from hardsight.core.rounding import ceil
from hardsight.core.types import AttackResult


@dataclass(frozen=True)
class A3(Entry):
    """Restarts with adaptive directions and online discarding (Liu et al., 2022).

    The public text leaves much open; this is what is assumed.

    - The objective's zero is the boundary of a decision and its values compare between images, as
      of ``DecisionObjective`` and ``MarginObjective``. A bare score does not: normal and anomalous
      images would not be on one scale.
    - Adaptive direction initialisation: a restart begins with ``warmup`` steps of length eps that
      maximise a random direction w in the space of the victim's outputs, the objective's
      ``outputs(images, generator) -> (B, K)``: logits less the true class's, or the map on a coarse
      grid with the label's sign. At first w is uniform in [-1, 1]^K. Once images are fooled, the
      signs of the directions that fooled them are summed over the images, and w takes the sum's
      signs with sizes uniform in [0, 1]. An objective without ``outputs`` is started from random
      points of the ball.
    - Online statistics-based discarding: after each restart the share ``discard`` of the images
      that is farthest from the boundary is dropped, whether far past it or far from reaching it.
      The paper drops fooled images at once; here how far they are fooled still counts, since
      scores are ranked. What is saved goes to the rest: every restart spends the same image-steps.

    So an image's result depends on the batch it is in. A batch should be a whole test set, or a
    fair sample of it.

    Args:
        optimiser: with ``ball`` and ``steps``, those of a restart of the whole batch.
        restarts: rounds of start, attack and discarding.
        discard: share of the images left that each round drops; the objective must have
            ``take(index)``, which returns the objective of some of its images. 0 drops none.
        warmup: steps along the direction; 0 starts from random points.
    """

    optimiser: Stepped
    restarts: int = 4
    discard: float = 0.25
    warmup: int = 2

    def __post_init__(self) -> None:
        altered(self.optimiser, steps=1)  # raises if it cannot be
        demand_whole(1, restarts=self.restarts)
        demand_whole(0, warmup=self.warmup)
        if not 0 <= self.discard < 1:
            raise ValueError(f"discard must be in [0, 1), got {self.discard}")

    @property
    def ball(self) -> Ball:
        """Return the threat model."""
        return self.optimiser.ball

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call, at most."""
        return self.restarts * (self.optimiser.evaluations + self.warmup)

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return the best images, their objective and the whole-batch evaluations spent."""
        take = objective.take if isinstance(objective, Selectable) else None
        if take is None and self.discard > 0 and self.restarts > 1:
            raise ValueError(
                f"objective {type(objective).__name__} has no take(index), which discarding needs; "
                "give it one or set discard=0"
            )
        batch, spent = len(images), 0
        best = images.clone()
        value = torch.full((batch,), -torch.inf, device=images.device)
        nonfinite = torch.zeros_like(value, dtype=torch.bool)
        successes: Tensor | None = None
        left = torch.arange(batch, device=images.device)
        for restart in range(self.restarts):
            part = objective if take is None or len(left) == batch else take(left.cpu())
            x, direction = start, None
            if restart > 0 or x is None:
                x, direction, at_start = self._start(part, images[left], successes, generator)
                nonfinite[left] |= at_start
            if direction is not None:
                spent += self.warmup * len(left)
            steps = round(self.optimiser.steps * batch / len(left))
            attack = altered(self.optimiser, steps=steps)
            found = attack(part, images[left], generator, start=x)
            spent += found.queries * len(left)
            nonfinite[left] |= found.nonfinite
            better = found.objective > value[left]
            best[left] = choose(better, found.images, best[left])
            value[left] = torch.where(better, found.objective, value[left])
            if direction is not None:
                signs = direction.sign()[found.objective > 0].sum(0)
                successes = signs if successes is None else successes + signs
            keep = max(1, ceil(batch * (1 - self.discard) ** (restart + 1)))
            nearest = value[left].abs().topk(keep, largest=False).indices
            left = left[nearest.sort().values]
        return AttackResult(best, value, ceil(spent / batch), nonfinite)

    def _start(
        self,
        objective: Objective,
        images: Tensor,
        successes: Tensor | None,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return starts of adaptive direction initialisation, directions (B, K), ``nonfinite``."""
        if not isinstance(objective, Vectorial) or self.warmup == 0:
            none = torch.zeros(len(images), dtype=torch.bool, device=images.device)
            return self.ball.random_start(images, generator), None, none
        aim = _Direction(objective, successes)
        warm = PGD(self.ball, self.warmup, self.ball.eps or None)
        oracle = Oracle(aim, images, generator)
        (end,) = warm.run(oracle, self.ball.random_start(images, generator), images)
        return end.detach(), aim.direction, oracle.nonfinite


class _Direction:
    """Maximises an objective's outputs along a direction, which is drawn at the first look.

    Args:
        objective: whose outputs.
        successes: (K,) summed signs of the directions that fooled images; None: none did yet.
    """

    def __init__(self, objective: Vectorial, successes: Tensor | None) -> None:
        self.objective, self.successes = objective, successes
        self.direction: Tensor | None = None
        """(B, K)."""

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return (B,) how far the outputs lie along the direction."""
        return self._along(self.objective, images, generator)

    def parts(self, images: Tensor) -> list[tuple[float, Objective]]:
        """Return passes of fewer draws along the same direction, and their shares."""
        each = self.objective.parts(images) if isinstance(self.objective, Divisible) else []
        found: list[tuple[float, Objective]] = [
            (share, partial(self._along, part))
            for share, part in each
            if isinstance(part, Vectorial)
        ]
        return found if found and len(found) == len(each) else [(1.0, self)]

    def _along(
        self, objective: Vectorial, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        outputs = objective.outputs(images, generator)
        if self.direction is None:
            self.direction = self._drawn(outputs.detach(), generator)
        return (outputs * self.direction).sum(1)

    def _drawn(self, like: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw a direction for outputs (B, K) by what fooled others."""
        direction = torch.empty_like(like).uniform_(-1, 1, generator=generator)
        if self.successes is None:
            return direction
        learnt = direction.abs() * self.successes.sign()
        return torch.where(self.successes == 0, direction, learnt)
