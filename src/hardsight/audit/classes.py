"""A classifier under audit."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hardsight.attacks import Ball, MarginObjective
from hardsight.audit.budgets import Budget
from hardsight.audit.case import Case
from hardsight.audit.outcomes import Scores
from hardsight.core.types import Detection
from hardsight.data import LabelledImages
from hardsight.data.splits import evenly
from hardsight.detectors import Detector
from hardsight.evaluation import Estimate
from hardsight.evaluation.accuracy.rows import share
from hardsight.evaluation.accuracy.suites import LabelledVictim
from hardsight.metrics import accuracy_difference
from hardsight.purifiers import behind

LOSSES = ("ce", "margin", "dlr")
"""Objectives whose gradients are looked at."""
FEWEST = 4
"""Images, below which nothing is beyond chance."""


class ClassContext(Case):
    """A classifier under audit, plain or defended: its accuracy is judged.

    The score of an image is its margin, ``max_{j != y} z_j - z_y`` of the logits averaged over
    fresh draws: from 0 on it is misread, and all that raises it is harm.

    Args:
        model: images (B, C, H, W) in [0, 1] -> logits (B, K); its parameters must not need
            gradients. A random one has ``sample_noise`` and is called with (images, noise).
        data: labelled.
        ball: the threat model.
        budget: how hard to attack.
        source: another classifier, from which attacks are transferred; None: the one behind a
            purifier.
        terms: seed, batch_size and progress, as of ``Case``.

    Raises:
        ValueError: fewer than four images, none of them read rightly, or logits that do not fit
            the classes.
    """

    kind = "classifier"
    measure = "accuracy"
    counted = "images right"
    answer = "margin"
    judged = "margin"
    loss = "ce"
    chance_wins = True

    def __init__(
        self,
        model: nn.Module,
        data: LabelledImages,
        ball: Ball,
        budget: Budget,
        *,
        source: nn.Module | None = None,
        **terms: Any,
    ) -> None:
        if len(data) < FEWEST:
            raise ValueError(
                f"an audit needs at least {FEWEST} images, got {len(data)}; take more images"
            )
        source = source or behind(model)
        own = next(chain(model.parameters(), model.buffers()), torch.empty(0))
        x, self.labels = data.images.to(own.device).float() / 255, data.labels.to(own.device)
        self.classes = len(data.classes)
        with torch.no_grad():  # refuses logits of too few classes
            MarginObjective(model, self.labels.max()[None])(x[:1])
        super().__init__(model, x, ball, budget, source=source, **terms)
        if self.figure(self.clean) == 0:
            raise ValueError(
                "the classifier reads none of the images rightly before any attack, so there is "
                "nothing to audit; check that classes and labels are in the same order"
            )

    @property
    def objectives(self) -> tuple[str, ...]:
        """Those losses of the budget for which there are classes enough."""
        return self._known(self.budget.losses)

    @property
    def surrogates(self) -> tuple[str, ...]:
        """Those of ``LOSSES`` for which there are classes enough."""
        return self._known(LOSSES)

    def _known(self, losses: tuple[str, ...]) -> tuple[str, ...]:
        victim = self.victim(0, 1)
        return tuple(name for name in losses if victim.knows(name))

    @property
    def sign(self) -> Scores:
        """(N,) all are harmed by a rising margin."""
        return np.ones(len(self.x))

    @property
    def shown(self) -> str:
        """How many, of how many classes."""
        return f"{len(self.x)} of {self.classes} classes"

    def victim(self, start: int, count: int) -> LabelledVictim:
        """The logits of some images."""
        labels = self.labels[start : start + count]
        return LabelledVictim(self.model, labels, self.source, self.classes)

    def scores(self, x: Tensor, noise: Tensor | None, start: int) -> Tensor:
        """(B, C, H, W) -> (B,) margins."""
        return MarginObjective(self.model, self.labels[start : start + len(x)], 1, noise)(x)

    @torch.no_grad()
    def fresh_scores(self, images: Tensor, start: int) -> Scores:
        """(B,) margins of the mean logits, one draw of the batch at a time."""
        labels, generator = self.labels[start : start + len(images)], self.generator("fresh", start)
        objective, total = MarginObjective(self.model, labels), torch.zeros(())
        for _ in range(self.fresh_draws):
            total = total + objective.outputs(images, generator).double().cpu() / self.fresh_draws
        others = total.scatter(1, labels.cpu()[:, None], -torch.inf)
        return others.amax(1).numpy()

    def scorer(self, index: Sequence[int]) -> Detector:
        """The margins of the images at ``index``, as scores."""
        return _Margin(self.model, self.labels[list(index)], self.own)

    def examples(self, count: int) -> list[int]:
        """By position alone."""
        return evenly(np.arange(len(self.x)), count)

    def figure(self, scores: Scores) -> float:
        """Accuracy by margins (N,)."""
        return float((scores < 0).mean())

    def interval(self, scores: Scores) -> Estimate:
        """Accuracy with its exact 95 % interval."""
        return share(scores < 0)

    def above(self, a: Scores, b: Scores) -> Estimate:
        """Accuracy of a less that of b with its paired interval."""
        return Estimate(*accuracy_difference(a < 0, b < 0))


class _Margin(Detector):
    """The margins of given images as scores: what finite differences are taken of."""

    has_maps = False

    def __init__(self, model: nn.Module, labels: Tensor, draws: int) -> None:
        super().__init__()
        self.model, self.labels, self.draws = model, labels, draws
        self.random = hasattr(model, "sample_noise")

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        sample = getattr(self.model, "sample_noise", None)
        return None if sample is None else sample(images, generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        margins = MarginObjective(self.model, self.labels, 1, noise)(images)
        return Detection(margins, margins.view(-1, 1, 1, 1))
