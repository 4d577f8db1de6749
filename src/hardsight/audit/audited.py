"""What every check of an audit sees: a subject, a few images, and attacks made once."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import Attempt, Ball, Objective, Square, Suite, value_and_gradient
from hardsight.audit.budgets import Budget
from hardsight.audit.outcomes import Attacked, BlockedError, worst
from hardsight.audit.planned import PlannedAudit, alone
from hardsight.core.noise import Noise
from hardsight.core.progress import Progress, quiet
from hardsight.core.types import AttackResult
from hardsight.evaluation.costs import Meter
from hardsight.evaluation.probe import probe
from hardsight.evaluation.subjects import Scores, Subject


@dataclass(frozen=True)
class Terms:
    """How an audit attacks.

    Args:
        ball: the threat model.
        budget: how hard.
        seed: of all randomness.
        batch_size: images attacked at a time.
        deadline: ``time.monotonic()`` after which no further batch is attacked.
        progress: told after every attack of a batch.
    """

    ball: Ball
    budget: Budget
    seed: int = 0
    batch_size: int = 8
    deadline: float = math.inf
    progress: Progress = quiet


class Audited(PlannedAudit):
    """A subject under audit, in the mode in which its model was given.

    Args:
        subject: whose model's parameters must not need gradients, see ``hardsight.attacks.frozen``.
        terms: how it is attacked.
    """

    subject: Subject

    def __init__(self, subject: Subject, terms: Terms) -> None:
        super().__init__(subject, terms.ball, terms.budget)
        self.terms, self.batch_size = terms, terms.batch_size
        self.x = subject.prepare(subject.images)
        self.noise = Noise(terms.seed, subject.device)
        self.meter = Meter(terms.progress, "audit", 1.0)
        self.stage = ""
        """The check that is being made."""
        self._attacks: dict[Attempt, Attacked] = {}
        self._gradients: dict[str, Tensor] = {}
        start, x = next(self.batches())
        aim = subject.victim(start, len(x)).objective(subject.judged, x)
        self.seconds, self.gradient_error = probe(aim, x, lambda: self.generator("probe", start))

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of the objectives that are tried; the strongest goes on alone."""
        return self._known(super().objectives)

    @property
    def surrogates(self) -> tuple[str, ...]:
        """Names of all objectives whose gradients are looked at."""
        return self._known(super().surrogates)

    def _known(self, names: tuple[str, ...]) -> tuple[str, ...]:
        victim = self.subject.victim(0, 1)
        return tuple(name for name in names if victim.lacks(name) is None)

    def generator(self, purpose: str, start: int = 0) -> torch.Generator:
        """Return the generator of a batch; the same purpose, the same noise."""
        return self.noise.generator(f"audit/{purpose}", start)

    def batches(self) -> Iterator[tuple[int, Tensor]]:
        """Yield (start, images)."""
        for i in range(0, len(self.x), self.batch_size):
            yield i, self.x[i : i + self.batch_size].clone()

    def demand_gradient(self) -> None:
        """Leave a check that needs a gradient where there is none."""
        if self.gradient_error:
            raise BlockedError("This needs a gradient, and there is none: see the check gradient.")

    def gradient(self, objective: str) -> Tensor:
        """Return the gradient (N, C, H, W) of an objective at the clean images, known noise."""
        if objective not in self._gradients:
            self._gradients[objective] = self.fresh_gradient(objective)
        return self._gradients[objective]

    def fresh_gradient(self, name: str) -> Tensor:
        """Return the same, computed anew."""
        self.demand_gradient()
        found = []
        for start, x in self.batches():
            known = self.known_noise(x, start)
            objective = self.subject.victim(start, len(x)).objective(name, x, 1, known)
            found.append(finite_gradient(objective, x))
        return torch.cat(found)

    def known_noise(self, x: Tensor, start: int) -> Tensor | None:
        """Return the noise of a batch that checks with fixed noise share; None without any."""
        return self.subject.sample_noise(x, self.generator("known", start))

    def known_scores(self, images: Tensor) -> Scores:
        """Return scores (N,) under the known noise."""
        return self.exposed_scores(images.clone())

    @torch.no_grad()
    def exposed_scores(self, images: Tensor) -> Scores:
        """Return the same of images that a model may change: it is given them and no copy."""
        found = []
        for start, x in self.batches():
            known = self.known_noise(x, start)
            part = images[start : start + len(x)]
            found.append(self.subject.scores(part, known, start).cpu())
        return torch.cat(found).double().numpy()

    def fresh_scores(self, images: Tensor, start: int) -> Scores:
        """Return scores (B,) of a batch, of draws that no attack sees together."""
        return self.subject.fresh_scores(images, start, self.looks, self.generator("fresh", start))

    @cached_property
    def clean(self) -> Scores:
        """(N,) scores of the clean images, averaged over fresh draws."""
        return self.rescored(self.x)

    def rescored(self, images: Tensor) -> Scores:
        """Return the same, (N,), of other images in their place."""
        parts = [self.fresh_scores(images[i : i + len(x)].clone(), i) for i, x in self.batches()]
        return np.concatenate(parts)

    @cached_property
    def spread(self) -> float:
        """How far clean scores lie apart, above zero: the unit of what counts as a change."""
        scores = self.known_scores(self.x)
        return float(max(np.ptp(scores), np.abs(scores).max() * 1e-6, np.finfo(np.float32).tiny))

    @cached_property
    def best(self) -> str:
        """The objective that harms most at the base budget."""

        def harm(name: str) -> tuple[float, float]:
            found = self.attack(self.apgd(name))
            return -self.subject.figure(found.scores), float(found.harm.mean())

        return max(self.objectives, key=harm)

    @cached_property
    def white(self) -> Attacked:
        """The worst of the white-box attacks, for each image."""
        b = self.budget
        attempts = [self.apgd(name) for name in self.objectives]
        attempts += [
            self.apgd(self.best, steps=b.steps[-1]),
            self.apgd(self.best, restarts=b.restarts[-1]),
            self.apgd(self.best, draws=b.draws[-1]),
        ]
        return worst([self.attack(a) for a in attempts])

    def attack(self, attempt: Attempt) -> Attacked:
        """Attack every image, once for every attempt.

        Raises:
            BlockedError: no gradient, no time left, or a gradient that is lost on the way.
        """
        if attempt.via == "exact" and not isinstance(attempt.optimiser, Square):
            self.demand_gradient()
        attempt = replace(attempt, draws=self.draws_of(attempt))
        if attempt not in self._attacks:
            suite = alone(attempt)
            found = [self._attack_batch(suite, *batch) for batch in self.batches()]
            self._attacks[attempt] = Attacked(*map(np.concatenate, zip(*found, strict=True)))
        return self._attacks[attempt]

    def _attack_batch(self, suite: Suite, start: int, x: Tensor) -> Attacked:
        self.check_time()
        try:
            found = suite(self.subject.victim(start, len(x)), x, self.generator("attack", start))
        except ValueError as error:
            raise BlockedError(f"The attack could not be carried out: {error}.", "fail") from error
        demand_finite(found)
        self.tell(self.cost(suite.attempts[0]) * len(x))
        harm: NDArray[np.float64] = found.objective.double().cpu().numpy()
        return Attacked(self.fresh_scores(found.images, start), harm)

    def check_time(self) -> None:
        """Leave a check for which no time is left."""
        if time.monotonic() > self.terms.deadline:
            raise BlockedError("Out of time: this was not checked.", due=True)

    def tell(self, cost: float) -> None:
        """Report progress of ``cost`` evaluations with gradient."""
        self.meter.tell(cost, self.stage)

    def tell_of(self, planned: float, seconds: float) -> None:
        """Report progress of what costs another precision or batch than attacks have, by its time.

        Args:
            planned: its cost as it is in the total, which is put right.
            seconds: that it took.
        """
        cost = seconds / self.seconds
        self.meter.total += cost - planned
        self.tell(cost)

    def expect(self, attempts: Sequence[Attempt]) -> None:
        """Add attacks that turned out to be needed to the total of what is told."""
        self.meter.total += sum(map(self.cost, attempts)) * len(self.subject)


def demand_finite(found: AttackResult) -> None:
    """Leave a check, which fails, where an attack met gradients that are not finite.

    Raises:
        BlockedError: it did.
    """
    if bool(found.nonfinite.any()):
        lost, total = int(found.nonfinite.sum()), len(found.nonfinite)
        raise BlockedError(
            f"The attack met non-finite gradients (NaN or infinity) on {lost} of {total} images "
            "and could not follow them.",
            "fail",
        )


def finite_gradient(
    objective: Objective, x: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Return the gradient (B, C, H, W) of an objective.

    Raises:
        BlockedError: there is none, or it is not finite; the check fails.
    """
    try:
        return value_and_gradient(objective, x, generator)[1]
    except ValueError as error:
        raise BlockedError(f"No gradient can be computed: {error}.", "fail") from error
