"""What every check of an audit sees: the model, a few images, and attacks made once."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardsight.attacks import APGD, Attempt, Ball, Square, Suite, Victim, value_and_gradient
from hardsight.attacks.suites import JUDGING
from hardsight.audit.budgets import Budget
from hardsight.audit.outcomes import Attacked, BlockedError, Scores, worst
from hardsight.audit.probe import probe
from hardsight.core.noise import Noise
from hardsight.core.types import Progress, quiet
from hardsight.detectors import Detector
from hardsight.evaluation import Estimate

FRESH_DRAWS = 10
"""Noise draws behind every score, counted in single draws; no attack sees them."""
FORWARD = 1 / 3
"""Cost of a forward pass beside that of a forward and a backward pass."""


class Case(ABC):
    """A model under audit, in the mode in which it was given.

    The model has one number for every image, its score here: what an attack of it moves, and what
    the figure that is judged is made of.

    Args:
        model: its parameters must not need gradients, see ``hardsight.attacks.frozen``.
        x: (N, C, H, W) float in [0, 1], on the model's device.
        ball: the threat model.
        budget: how hard to attack.
        source: another model, from which attacks are transferred.
        seed: of all randomness.
        batch_size: images attacked at a time.
        progress: told after every attack of a batch.
    """

    kind: ClassVar[str]
    """What the model is, for a reader."""
    measure: ClassVar[str]
    """The figure that is judged."""
    counted: ClassVar[str]
    """What it is a share of."""
    answer: ClassVar[str]
    """What the score of an image is, for a reader."""
    judged: ClassVar[str]
    """The objective that is the score, with the sign of harm."""
    loss: ClassVar[str | None] = None
    """The objective that attacks usually climb in its stead; None: the same."""
    chance_wins: ClassVar[bool] = False
    """Whether most random images fool the model, so that a random start proves nothing."""

    def __init__(
        self,
        model: nn.Module,
        x: Tensor,
        ball: Ball,
        budget: Budget,
        *,
        source: nn.Module | None = None,
        seed: int = 0,
        batch_size: int = 8,
        progress: Progress = quiet,
    ) -> None:
        self.model, self.source, self.x = model, source, x
        self.ball, self.budget, self.batch_size = ball, budget, batch_size
        self.noise = Noise(seed, x.device)
        self.own = int(getattr(model, "draws", 1))
        """Noise draws averaged in one score."""
        self.deadline = math.inf
        """``time.monotonic()`` after which no further batch is attacked."""
        self.progress, self.stage = progress, ""
        self.spent, self.total = 0.0, 1.0
        self._attacks: dict[Attempt, Attacked] = {}
        self._gradients: dict[str, Tensor] = {}
        with torch.no_grad():
            self.random = self.sample_noise(x[:1], self.generator("probe")) is not None
        start, x = next(self.batches())
        aim = self.victim(start, len(x)).objective(self.judged, x)
        self.seconds, self.gradient_error = probe(aim, x, lambda: self.generator("probe", start))

    @property
    @abstractmethod
    def objectives(self) -> tuple[str, ...]:
        """Names of the objectives that are tried; the strongest goes on alone."""

    @property
    @abstractmethod
    def surrogates(self) -> tuple[str, ...]:
        """Names of all objectives whose gradients are looked at."""

    @property
    @abstractmethod
    def sign(self) -> Scores:
        """(N,) 1 where a rising score is harm, and -1 elsewhere."""

    @property
    @abstractmethod
    def shown(self) -> str:
        """The images in words."""

    @abstractmethod
    def victim(self, start: int, count: int) -> Victim:
        """What attacks of the ``count`` images from ``start`` on are aimed at."""

    @abstractmethod
    def scores(self, x: Tensor, noise: Tensor | None, start: int) -> Tensor:
        """(B, C, H, W) in place of the images from ``start`` on -> (B,) scores on given noise."""

    @abstractmethod
    def fresh_scores(self, images: Tensor, start: int) -> Scores:
        """(B,) scores of a batch, averaged over draws that no attack sees."""

    @abstractmethod
    def scorer(self, index: Sequence[int]) -> Detector:
        """What gives the scores of the images at ``index``, in their order, as a detector."""

    @abstractmethod
    def examples(self, count: int) -> list[int]:
        """Indices of some images, spread evenly."""

    @abstractmethod
    def figure(self, scores: Scores) -> float:
        """The figure that scores (N,) amount to, in [0, 1]: less after a better attack."""

    @abstractmethod
    def interval(self, scores: Scores) -> Estimate:
        """The figure with its 95 % interval over the images."""

    @abstractmethod
    def above(self, a: Scores, b: Scores) -> Estimate:
        """Figure of a less that of b with its paired interval; a low end above zero is no luck."""

    def generator(self, purpose: str, start: int = 0) -> torch.Generator:
        """Return the generator of a batch; the same purpose, the same noise."""
        return self.noise.generator(f"audit/{purpose}", start)

    def batches(self) -> Iterator[tuple[int, Tensor]]:
        """Yield (start, images)."""
        for i in range(0, len(self.x), self.batch_size):
            yield i, self.x[i : i + self.batch_size].clone()

    @property
    def bypass(self) -> object | None:
        """The part that a BPDA may go round, as the model names it; None: none."""
        return getattr(self.model, "bypass", None)

    def sample_noise(self, x: Tensor, generator: torch.Generator) -> Tensor | None:
        """Draw all the randomness of one forward pass; None without any."""
        sample = getattr(self.model, "sample_noise", None)
        return None if sample is None else sample(x, generator)

    def demand_gradient(self) -> None:
        """Leave a check that needs a gradient where there is none."""
        if self.gradient_error:
            raise BlockedError("This needs a gradient, and there is none: see the check gradient.")

    def gradient(self, objective: str) -> Tensor:
        """(N, C, H, W) gradient of an objective at the clean images, known noise."""
        if objective not in self._gradients:
            self._gradients[objective] = self.fresh_gradient(objective)
        return self._gradients[objective]

    def fresh_gradient(self, name: str) -> Tensor:
        """The same, computed anew."""
        self.demand_gradient()
        found = []
        for start, x in self.batches():
            known = self.known_noise(x, start)
            objective = self.victim(start, len(x)).objective(name, x, 1, known)
            found.append(value_and_gradient(objective, x)[1])
        return torch.cat(found)

    def known_noise(self, x: Tensor, start: int) -> Tensor | None:
        """The noise of a batch that checks with fixed noise share; None without any."""
        return self.sample_noise(x, self.generator("known", start))

    @torch.no_grad()
    def known_scores(self, images: Tensor) -> Scores:
        """(N,) scores under the known noise."""
        found = []
        for start, x in self.batches():
            known = self.known_noise(x, start)
            part = images[start : start + len(x)].clone()  # a model may spoil what it is given
            found.append(self.scores(part, known, start).cpu())
        return torch.cat(found).double().numpy()

    @property
    def fresh_draws(self) -> int:
        """Evaluations behind a score."""
        return math.ceil(FRESH_DRAWS / self.own) if self.random else 1

    @cached_property
    def clean(self) -> Scores:
        """(N,) scores of the clean images, averaged over fresh draws."""
        return self.rescored(self.x)

    def rescored(self, images: Tensor) -> Scores:
        """(N,) the same of other images in their place."""
        parts = [self.fresh_scores(images[i : i + len(x)], i) for i, x in self.batches()]
        return np.concatenate(parts)

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
        random_start: bool = True,
    ) -> Attempt:
        """The audit's attack; by default of the strongest objective, at its base budget."""
        n = steps or self.budget.base
        optimiser = APGD(ball or self.ball, n, restarts, random_start=random_start)
        return Attempt(optimiser, objective or self.best, draws)

    @cached_property
    def best(self) -> str:
        """The objective that harms most at the base budget."""

        def harm(name: str) -> tuple[float, float]:
            found = self.attack(self.apgd(name))
            return -self.figure(found.scores), float(found.harm.mean())

        return max(self.objectives, key=harm)

    @cached_property
    def white(self) -> Attacked:
        """The worst of the white-box attacks, for each image."""
        b = self.budget
        attempts = [self.apgd(name) for name in self.objectives]
        attempts += [self.apgd(steps=b.steps[-1]), self.apgd(restarts=b.restarts[-1])]
        attempts += [self.apgd(draws=b.draws[-1])]
        return worst([self.attack(a) for a in attempts])

    def draws_of(self, attempt: Attempt) -> int:
        """Single draws really averaged: those of one score come whole."""
        return math.ceil(attempt.draws / self.own) * self.own if self.random else 1

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

    def _attack_batch(self, suite: Suite, start: int, x: Tensor) -> Attacked:
        self.check_time()
        try:
            found = suite(self.victim(start, len(x)), x, self.generator("attack", start))
        except ValueError as error:
            raise BlockedError(f"The attack could not be carried out: {error}.", "fail") from error
        self.tell(self.cost(suite.attempts[0]) * len(x))
        harm: NDArray[np.float64] = found.objective.double().cpu().numpy()
        return Attacked(self.fresh_scores(found.images, start), harm)

    def cost(self, attempt: Attempt) -> float:
        """What an attack of an image costs, in evaluations with gradient."""
        forward = FORWARD if isinstance(attempt.optimiser, Square) else 1.0
        draws = self.draws_of(attempt)
        search = attempt.optimiser.evaluations * forward * math.ceil(draws / self.own)
        judging = 2 * math.ceil(max(JUDGING, draws) / self.own) if self.random else 2
        return search + FORWARD * (judging + self.fresh_draws)

    def check_time(self) -> None:
        """Leave a check for which no time is left."""
        if time.monotonic() > self.deadline:
            raise BlockedError("Out of time: this was not checked.", due=True)

    def tell(self, cost: float) -> None:
        """Report progress of ``cost`` evaluations with gradient."""
        self.spent += cost
        done, total = min(round(self.spent), round(self.total)), round(self.total)
        self.progress("audit", done, total, self.stage)
