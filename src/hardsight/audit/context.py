"""What every check of an audit sees: the detector, a few images, and attacks made once."""

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import (
    APGD,
    Attempt,
    Ball,
    ScoreObjective,
    ScoreVictim,
    Square,
    Suite,
    value_and_gradient,
)
from hardsight.audit.budgets import Budget
from hardsight.audit.outcomes import Attacked, BlockedError, Scores, worst
from hardsight.detectors import Detector
from hardsight.evaluation import Estimate
from hardsight.evaluation.attacked import fresh
from hardsight.metrics import auroc, auroc_difference, bootstrap
from hardsight.noise import Noise
from hardsight.types import Progress, quiet

FRESH_DRAWS = 10
"""Noise draws behind every score, counted in single draws; no attack sees them."""
PROBES = 3
"""Evaluations by which the time is estimated; the fastest counts."""
FORWARD = 1 / 3
"""Cost of a forward pass beside that of a forward and a backward pass."""


class Context:
    """A detector under audit, in the mode in which it was given.

    Args:
        detector: its parameters must not need gradients, see ``hardsight.attacks.frozen``.
        images: (N, 3, H, W) uint8 or float in [0, 1], of both kinds.
        labels: (N,) true = anomalous.
        ball: the threat model.
        budget: how hard to attack.
        source: another detector, from which attacks are transferred.
        seed: of all randomness.
        batch_size: images attacked at a time.
        progress: told after every attack of a batch.

    Raises:
        ValueError: fewer than two images of a kind, or images that a detector cannot score.
    """

    def __init__(
        self,
        detector: Detector,
        images: Tensor,
        labels: NDArray[np.bool_],
        ball: Ball,
        budget: Budget,
        *,
        source: Detector | None = None,
        seed: int = 0,
        batch_size: int = 8,
        progress: Progress = quiet,
    ) -> None:
        if len(images) != len(labels):
            raise ValueError(f"{len(images)} images but {len(labels)} labels")
        if min(labels.sum(), (~labels).sum()) < 2:
            raise ValueError(
                f"an audit needs at least 2 normal and 2 anomalous images, got {(~labels).sum()} "
                f"and {labels.sum()}; take more images"
            )
        if source is not None:
            source.prepare(images[:1])
        self.detector, self.source = detector, source
        self.x, self.labels = detector.prepare(images), labels
        self.ball, self.budget, self.batch_size = ball, budget, batch_size
        self.noise = Noise(seed, detector.device)
        self.deadline = math.inf
        """``time.monotonic()`` after which no further batch is attacked."""
        self.progress, self.stage = progress, ""
        self.spent, self.total = 0.0, 1.0
        self._attacks: dict[Attempt, Attacked] = {}
        self._gradients: dict[str, Tensor] = {}
        with torch.no_grad():
            self.random = detector.sample_noise(self.x[:1], self.generator("probe")) is not None
        self.seconds, self.gradient_error = self._probe()

    def _probe(self) -> tuple[float, str]:
        """Seconds of an evaluation of an image with its gradient, and why there is no gradient."""
        start, x, labels = next(self.batches())
        took = []
        for _ in range(PROBES):  # the first also warms up; another process may slow any of them
            begun, generator = time.perf_counter(), self.generator("probe", start)
            try:
                value_and_gradient(ScoreObjective(self.detector, labels), x, generator)
                error = ""
            except torch.OutOfMemoryError:
                raise
            except (ValueError, RuntimeError) as found:  # "modified by an inplace operation"
                error = str(found)
            took.append((time.perf_counter() - begun) / len(x))
        return min(took), error

    def generator(self, purpose: str, start: int = 0) -> torch.Generator:
        """Return the generator of a batch; the same purpose, the same noise."""
        return self.noise.generator(f"audit/{purpose}", start)

    def batches(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (start, images, labels)."""
        truth = torch.from_numpy(self.labels).to(self.x.device)
        for i in range(0, len(self.x), self.batch_size):
            yield i, self.x[i : i + self.batch_size].clone(), truth[i : i + self.batch_size]

    def demand_gradient(self) -> None:
        """Leave a check that needs a gradient where there is none."""
        if self.gradient_error:
            raise BlockedError("This needs a gradient, and there is none: see the check gradient.")

    def gradient(self, objective: str = "score") -> Tensor:
        """(N, C, H, W) gradient of the score or a surrogate at the clean images, known noise."""
        if objective not in self._gradients:
            self._gradients[objective] = self.fresh_gradient(objective)
        return self._gradients[objective]

    def fresh_gradient(self, surrogate: str = "score") -> Tensor:
        """The same, computed anew."""
        self.demand_gradient()
        found = []
        for start, x, labels in self.batches():
            normal = torch.zeros_like(labels)
            known = self.known_noise(x, start)
            objective = ScoreObjective(self.detector, normal, surrogate=surrogate, noise=known)
            found.append(value_and_gradient(objective, x)[1])
        return torch.cat(found)

    def known_noise(self, x: Tensor, start: int) -> Tensor | None:
        """The noise of a batch that checks with fixed noise share; None without any."""
        return self.detector.sample_noise(x, self.generator("known", start))

    @torch.no_grad()
    def known_scores(self, images: Tensor) -> Scores:
        """(N,) scores under the known noise."""
        found = []
        for start, x, _ in self.batches():
            known = self.known_noise(x, start)
            part = images[start : start + len(x)].clone()  # a detector may spoil what it is given
            found.append(self.detector(part, known).pred_score.cpu())
        return torch.cat(found).double().numpy()

    def fresh_scores(self, images: Tensor, start: int) -> Scores:
        """(B,) scores of a batch, averaged over draws that no attack sees."""
        generator = self.generator("fresh", start)
        scores = fresh(self.detector, images, self.fresh_draws, generator)["scores"]
        return scores.double().mean(1).numpy()

    @property
    def fresh_draws(self) -> int:
        """Evaluations behind a score."""
        return math.ceil(FRESH_DRAWS / self.detector.draws) if self.random else 1

    @cached_property
    def clean(self) -> Scores:
        """(N,) scores of the clean images, averaged over fresh draws."""
        return self.rescored(self.x)

    def rescored(self, images: Tensor) -> Scores:
        """(N,) the same of other images in their place."""
        return np.concatenate(
            [self.fresh_scores(images[i : i + len(x)], i) for i, x, _ in self.batches()]
        )

    @cached_property
    def spread(self) -> float:
        """How far clean scores lie apart, above zero: the unit of what counts as a change."""
        scores = self.known_scores(self.x)
        return float(max(np.ptp(scores), np.abs(scores).max() * 1e-6, np.finfo(np.float32).tiny))

    def apgd(
        self,
        objective: str | None = None,
        ball: Ball | None = None,
        steps: int | None = None,
        restarts: int = 1,
        draws: int = 1,
    ) -> Attempt:
        """The audit's attack; by default of the strongest objective, at its base budget."""
        optimiser = APGD(ball or self.ball, steps or self.budget.base, restarts)
        return Attempt(optimiser, objective or self.best, draws)

    @cached_property
    def best(self) -> str:
        """The objective that harms most at the base budget."""

        def harm(name: str) -> tuple[float, float]:
            found = self.attack(self.apgd(name))
            return -self.auroc(found.scores), float(found.harm.mean())

        return max(self.budget.objectives, key=harm)

    @cached_property
    def white(self) -> Attacked:
        """The worst of the white-box attacks, for each image."""
        b = self.budget
        attempts = [self.apgd(name) for name in b.objectives]
        attempts += [self.apgd(steps=b.steps[-1]), self.apgd(restarts=b.restarts[-1])]
        attempts += [self.apgd(draws=b.draws[-1])]
        return worst([self.attack(a) for a in attempts])

    def draws_of(self, attempt: Attempt) -> int:
        """Single draws really averaged: those of one score come whole."""
        own = self.detector.draws
        return math.ceil(attempt.draws / own) * own if self.random else 1

    def attack(self, attempt: Attempt) -> Attacked:
        """Attack every image, once for every attempt.

        Raises:
            BlockedError: no gradient, no time left, or a gradient that is lost on the way.
        """
        if attempt.via == "exact" and not isinstance(attempt.optimiser, Square):
            self.demand_gradient()
        attempt = replace(attempt, draws=self.draws_of(attempt))
        if attempt not in self._attacks:
            suite = Suite("audit", attempt.optimiser.ball, lambda ball: (attempt,))
            found = [self._attack_batch(suite, *batch) for batch in self.batches()]
            self._attacks[attempt] = Attacked(*map(np.concatenate, zip(*found, strict=True)))
        return self._attacks[attempt]

    def _attack_batch(self, suite: Suite, start: int, x: Tensor, labels: Tensor) -> Attacked:
        self.check_time()
        victim = ScoreVictim(self.detector, labels, source=self.source)
        try:
            found = suite(victim, x, self.generator("attack", start))
        except ValueError as error:
            raise BlockedError(f"The attack could not be carried out: {error}.", "fail") from error
        self.tell(self.cost(suite.attempts[0]) * len(x))
        return Attacked(
            self.fresh_scores(found.images, start), found.objective.double().cpu().numpy()
        )

    def cost(self, attempt: Attempt) -> float:
        """What an attack of an image costs, in evaluations with gradient."""
        own = self.detector.draws
        forward = FORWARD if isinstance(attempt.optimiser, Square) else 1.0
        draws = self.draws_of(attempt)
        search = attempt.optimiser.evaluations * forward * math.ceil(draws / own)
        judging = 2 * math.ceil(max(4, draws) / own) if self.random else 2
        return search + FORWARD * (judging + self.fresh_draws)

    def check_time(self) -> None:
        """Leave a check for which no time is left."""
        if time.monotonic() > self.deadline:
            raise BlockedError("Out of time: this was not checked.", due=True)

    def tell(self, cost: float) -> None:
        """Report progress of ``cost`` evaluations with gradient."""
        self.spent += cost
        self.progress(
            "audit", min(round(self.spent), round(self.total)), round(self.total), self.stage
        )

    def auroc(self, scores: Scores) -> float:
        """AUROC of scores (N,)."""
        return float(auroc(scores, self.labels))

    def interval(self, scores: Scores) -> Estimate:
        """AUROC with its 95 % interval over the images."""
        return Estimate(*bootstrap(auroc, scores, self.labels, 200))

    def above(self, a: Scores, b: Scores) -> Estimate:
        """AUROC(a) - AUROC(b) with its paired interval; a low end above zero is beyond chance."""
        return Estimate(*auroc_difference(a, b, self.labels))
