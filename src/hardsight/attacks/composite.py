"""One attack after another."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball
from hardsight.attacks.contract import Objective
from hardsight.attacks.entry import Entry
from hardsight.attacks.optimisers import Optimiser
from hardsight.attacks.results import better
from hardsight.core.types import AttackResult


@dataclass(frozen=True)
class Composite(Entry):
    """A chain of attacks, each starting where those before came to (CAA, Mao et al., 2021).

    All move inside the same ball round the clean image. An attack that does worse than those
    before it changes nothing; results are compared by each attack's own last evaluation. The paper
    searches for a good order; here it is given.

    Args:
        attacks: first to last, all with the same ball.
    """

    attacks: tuple[Optimiser, ...]

    def __post_init__(self) -> None:
        if not self.attacks:
            raise ValueError("attacks must hold at least one attack, got none")
        other = [a.ball for a in self.attacks if a.ball != self.ball]
        if other:
            raise ValueError(
                f"attacks must share one ball, got {self.ball} and {other[0]}; "
                "build them from the same"
            )

    @property
    def ball(self) -> Ball:
        """Return the threat model."""
        return self.attacks[0].ball

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call."""
        return sum(a.evaluations for a in self.attacks)

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return the best images of the chain, their objective and all evaluations."""
        first, *others = self.attacks
        whole = first(objective, images, generator, start)
        for attack in others:
            whole = better(whole, attack(objective, images, generator, start=whole.images))
        return whole
