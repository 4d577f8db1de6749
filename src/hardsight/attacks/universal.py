"""Attacks of a whole set of images that share the parameters of a threat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from hardsight.attacks.attempts import Attempt
from hardsight.attacks.contract import Divisible, Objective, scheduled
from hardsight.attacks.entry import at_rest, attackable
from hardsight.attacks.gradient_free import searched_on
from hardsight.attacks.gradients import evaluate
from hardsight.attacks.objectives.draws import repeats_itself
from hardsight.attacks.results import better
from hardsight.attacks.suites import Suite
from hardsight.attacks.threats import Threat, is_shared
from hardsight.attacks.threats.parameter_space import OfParameters, ParameterSpace
from hardsight.attacks.victims import Victim
from hardsight.core.noise import Noise
from hardsight.core.types import AttackResult


class Batch(NamedTuple):
    """Some images of a set."""

    victim: Victim
    images: Tensor
    """(B, C, H, W) in [0, 1]."""
    weights: Tensor
    """(B,) of their harm in that of the set."""


@dataclass(frozen=True, eq=False)
class OfAll:
    """The weighted sum of an objective over a set, as one of the parameters that it shares.

    Args:
        batches: the objective of the parameters of some images, and their weights, a pass each.
    """

    batches: Sequence[tuple[Objective, Tensor]]

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the objective (1,); ``images`` are the parameters (1, K, h, w)."""
        sums = [
            weights @ objective(images.expand(len(weights), -1, -1, -1), generator).to(weights)
            for objective, weights in self.batches
        ]
        return torch.stack(sums).sum(0, keepdim=True)

    def at(self, fraction: float) -> "OfAll":
        """Return the objective for the moment when ``fraction`` of the steps are done."""
        return OfAll([(scheduled(part, fraction), weights) for part, weights in self.batches])

    def parts(self, images: Tensor) -> list[tuple[float, Objective]]:
        """Return a pass of every batch, and of every share of its draws."""
        return [
            (share, OfAll([(piece, weights)]))
            for part, weights in self.batches
            for share, piece in (
                part.parts(images) if isinstance(part, Divisible) else [(1.0, part)]
            )
        ]


def craft(suite: Suite, batches: Sequence[Batch], generator: torch.Generator) -> AttackResult:
    """Return the parameters (1, K, h, w) that harm a set most, of all attempts and of no change.

    Which attempt that is, is judged by the victims' judges on fresh draws, as in a suite.

    Args:
        suite: of a threat whose parameters are shared.
        batches: all images, in parts that a pass can hold.
        generator: where all randomness comes from.

    Raises:
        ValueError: a threat that is none for a set, or an attempt that does not see the exact
            gradient; images as of an attack, see ``Entry``.
    """
    threat = suite.ball
    if not is_shared(threat):
        raise ValueError(f"norm={threat.name!r} is no change for a whole set; take universal")
    for attempt in suite.attempts:
        if attempt.via != "exact":
            raise ValueError(
                f"suite={suite.name!r} does not see the exact gradient, and norm={threat.name!r} "
                "takes attacks that do: pgd, eot-pgd"
            )

    batches = [b._replace(images=attackable(b.images, b.victim.model)) for b in batches]
    images, victim = batches[0].images, batches[0].victim
    judging = 1 if repeats_itself(victim.model, images) else suite.judging
    judges = [b.victim.judge(judging) for b in batches]
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    noise = Noise(seed, images.device)
    judge, middle = (
        _of_all(judges, batches, threat),
        images.new_full((1, *threat.shape(images)), 0.5),
    )
    with at_rest(victim.model):
        worst = AttackResult.gradient_free(
            middle, evaluate(judge, middle, noise.generator("judge")), 0
        )
        for attempt in suite.attempts:
            if attempt.optional and victim.lacks(attempt.objective):
                continue
            assert isinstance(attempt.optimiser, ParameterSpace)
            own = noise.generator(attempt.key)
            each = [_objective(attempt, batch, own) for batch in batches]
            whole, optimiser = _of_all(each, batches, threat), attempt.optimiser.optimiser
            found = searched_on(optimiser(whole, middle, own), optimiser, whole, middle, own)
            value = evaluate(judge, found.images, noise.generator("judge"))
            worst = better(worst, found._replace(objective=value))
    return worst


def _objective(attempt: Attempt, batch: Batch, generator: torch.Generator) -> Objective:
    """Return what an attempt climbs for the images of a batch."""
    victim, name = batch.victim, attempt.objective
    return victim.objective(name, batch.images, attempt.draws, None, generator)


def _of_all(objectives: Sequence[Objective], batches: Sequence[Batch], threat: Threat) -> OfAll:
    """Return the objectives of the batches as one of the parameters that all images share."""
    return OfAll(
        [
            (OfParameters(objective, batch.images, threat), batch.weights)
            for objective, batch in zip(objectives, batches, strict=True)
        ]
    )
