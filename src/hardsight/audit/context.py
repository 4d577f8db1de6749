"""A detector under audit."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import SURROGATES, Ball, ScoreVictim
from hardsight.audit.budgets import Budget
from hardsight.audit.case import Case
from hardsight.audit.outcomes import Scores
from hardsight.core.types import Progress, quiet
from hardsight.detectors import Detector
from hardsight.evaluation import Estimate
from hardsight.evaluation.attacked import fresh
from hardsight.evaluation.gallery import choose
from hardsight.metrics import auroc, auroc_difference, bootstrap


class Context(Case):
    """A detector under audit: its AUROC is judged, and harm is what mixes up the two kinds.

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

    kind = "detector"
    measure = "AUROC"
    counted = "pairs in order"
    answer = "score"
    judged = "score"
    surrogates = tuple(SURROGATES)

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
        self.detector, self.labels = detector, labels
        super().__init__(
            detector,
            detector.prepare(images),
            ball,
            budget,
            source=source,
            seed=seed,
            batch_size=batch_size,
            progress=progress,
        )

    @property
    def objectives(self) -> tuple[str, ...]:
        """The score and its surrogates."""
        return self.budget.objectives

    @property
    def sign(self) -> Scores:
        """(N,) normal images are harmed by a rising score, anomalous ones by a falling one."""
        return np.where(self.labels, -1.0, 1.0)

    @property
    def shown(self) -> str:
        """How many of each kind."""
        return f"{int((~self.labels).sum())} normal and {int(self.labels.sum())} anomalous"

    def victim(self, start: int, count: int) -> ScoreVictim:
        """The score of some images."""
        labels = torch.from_numpy(self.labels[start : start + count]).to(self.x.device)
        return ScoreVictim(self.detector, labels, source=self.source)

    def scores(self, x: Tensor, noise: Tensor | None, start: int) -> Tensor:
        """(B, C, H, W) -> (B,)."""
        score: Tensor = self.detector.score_only(x, noise).pred_score
        return score

    def fresh_scores(self, images: Tensor, start: int) -> Scores:
        """(B,) mean scores."""
        generator = self.generator("fresh", start)
        scores = fresh(self.detector, images, self.fresh_draws, generator)["scores"]
        return scores.double().mean(1).numpy()

    def scorer(self, index: Sequence[int]) -> Detector:
        """The detector itself."""
        return self.detector

    def examples(self, count: int) -> list[int]:
        """Half of each kind."""
        return sorted(choose(self.labels, count))

    def figure(self, scores: Scores) -> float:
        """AUROC of scores (N,)."""
        return float(auroc(scores, self.labels))

    auroc = figure  # by its own name

    def interval(self, scores: Scores) -> Estimate:
        """AUROC with its 95 % interval over the images."""
        return Estimate(*bootstrap(auroc, scores, self.labels, 200))

    def above(self, a: Scores, b: Scores) -> Estimate:
        """AUROC(a) - AUROC(b) with its paired interval."""
        return Estimate(*auroc_difference(a, b, self.labels))
