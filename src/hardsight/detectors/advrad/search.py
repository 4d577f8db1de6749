"""The scoring search: every way to score, judged by the worst that any attack so far does."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Generic, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from hardsight.attacks import ScoreObjective
from hardsight.core.batches import batched
from hardsight.core.progress import quiet
from hardsight.detectors.advrad.candidates import Candidate, distance, scorings
from hardsight.detectors.advrad.contract import E
from hardsight.detectors.advrad.fixed_reconstruction import attack_fixed_reconstruction
from hardsight.detectors.advrad.maps import Average, Reference, error_over_draws
from hardsight.detectors.advrad.scoring import ReferenceStatistics, Scoring
from hardsight.detectors.advrad.selection import Selection
from hardsight.metrics import auroc
from hardsight.synthesis import PseudoAnomalies

Comparison = tuple[Average, float]
"""Averaging and margin of an error map."""


class ScoringSearch(Generic[E]):
    """Every candidate's AUROC, clean and under attack.

    An attack on one way to score is an attack on all of them, if a weaker one: whatever it makes
    of the images is scored in every way, at every k. So each candidate's AUROC under the worst per
    image is a bound from above, which no attack can raise; that of a candidate that was attacked
    itself is its robust AUROC.

    Args:
        detector: with a trained denoiser; left as it is.
        train: (N, 3, H, W) uint8 training normals.
        evidence: from ``settings.evidence``.
        settings: candidates and budget.
        seed: of noise and attacks.
        progress: told of every k that is done.
    """

    def __init__(
        self,
        detector: E,
        train: Tensor,
        evidence: PseudoAnomalies,
        settings: Selection,
        seed: int,
        progress: Callable[[int], None] = quiet,
    ) -> None:
        self.detector, self.evidence, self.settings = detector, evidence, settings
        order = torch.randperm(len(train), generator=Generator().manual_seed(seed))
        self.noise = Generator(detector.device).manual_seed(seed)
        self.few = settings.few(evidence)
        self.candidates: list[Candidate] = []
        self._comparisons = tuple(product(settings.averages, settings.margins))
        self._statistics: dict[tuple[int, Average, float], dict[int, ReferenceStatistics]] = {}
        worst, labels = [], evidence.labels.numpy()
        for k in settings.ks:
            normal = self._maps(k, train[order[: settings.reference_images]])
            clean = self._maps(k, evidence.images)
            for how in self._comparisons:
                statistics = {
                    size: ReferenceStatistics.of(normal[how], size)
                    for size in settings.filter_sizes
                }
                self._statistics[k, *how] = statistics
                for chosen, scores in scorings(statistics, clean[how], *self._choices):
                    value, apart = auroc(scores, labels), distance(scores, labels)
                    found = Candidate(k, *how, **chosen, clean=value, clean_distance=apart)
                    self.candidates.append(found)
                    worst.append(scores[: len(self.few.labels)])
            progress(k)
        self.worst: NDArray[np.float64] = np.stack(worst)
        """(candidates, N) scores of ``few`` under the worst per image so far."""
        self._update()

    @property
    def best(self) -> Candidate:
        """The candidate of the highest rank; one that was not attacked may yet lose it."""
        return max(self.candidates, key=self._rank)

    @property
    def ranked(self) -> tuple[Candidate, ...]:
        """All candidates, those attacked before the others, best first."""
        found = sorted(self.candidates, key=self._rank, reverse=True)
        return tuple(sorted(found, key=lambda c: c.robust is None))

    def _rank(self, candidate: Candidate) -> tuple[float, float]:
        return candidate.rank(self.settings.robust_weight)

    def attack(self, candidate: Candidate, progress: Callable[[int], None] = quiet) -> None:
        """Attack a candidate, and score in all ways what comes of it.

        ``progress`` is told how many images are attacked.
        """
        i = self.candidates.index(candidate)
        self.candidates[i] = replace(candidate, robust=candidate.transferred)  # and falls from here
        self._attack(candidate.scoring_of(self.detector.scoring), progress)

    def attack_middling(self, progress: Callable[[int], None] = quiet) -> None:
        """Attack a middling way to score at the middle k, be it a candidate or not; see above."""
        s = self.settings
        self._attack(
            replace(
                self._bare(s.ks[len(s.ks) // 2]),
                average=s.averages[0],
                margin=s.margins[0],
                filter_size=s.filter_sizes[-1],
                reference=s.references[-1],
                aggregation="top:0.05",
            ),
            progress,
        )

    def attack_fixed_reconstructions(self) -> None:
        """Score in all ways, at each k, what ``attack_fixed_reconstruction`` makes of images."""
        self._lower(lambda k: self._maps(k, self.few.images, self.few.labels))

    def _bare(self, k: int) -> Scoring:
        """Return the detector's scoring at another k, one-shot and compared with nothing."""
        own = self.detector.scoring
        return replace(own, k=k, shots=1, reference="error", map_filter_size=1)

    def _attack(self, scoring: Scoring, progress: Callable[[int], None]) -> None:
        """Score in all ways what an attack on ``scoring`` makes of the images."""
        statistics = self._statistics[scoring.k, scoring.average, scoring.margin]
        victim = self.detector.with_scoring(scoring, statistics[scoring.filter_size])

        def aim(labels: Tensor, masks: Tensor) -> ScoreObjective:
            return ScoreObjective(cast(nn.Module, victim), labels, self.settings.draws)

        attacked = self.settings.attack(victim, self.few, aim, self.noise, progress)
        self._lower(lambda k: self._maps(k, attacked))

    def _lower(self, attacked: Callable[[int], dict[Comparison, Tensor]]) -> None:
        """Lower all bounds to what maps (N, 1, H, W) of attacked images, by k, leave."""
        anomalous = self.few.labels.numpy()
        i = 0
        for k in self.settings.ks:
            maps = attacked(k)
            for how in self._comparisons:
                for _, s in scorings(self._statistics[k, *how], maps[how], *self._choices):
                    w = self.worst[i]
                    self.worst[i] = np.where(anomalous, np.minimum(w, s), np.maximum(w, s))
                    i += 1
        self._update()

    def _update(self) -> None:
        """Write down every AUROC and distance under the worst so far."""
        labels = self.few.labels.numpy()
        for i, (c, scores) in enumerate(zip(self.candidates, self.worst, strict=True)):
            found = auroc(scores, labels)
            c = replace(c, worst_distance=distance(scores, labels))
            own = c.robust is not None
            self.candidates[i] = replace(c, robust=found) if own else replace(c, transferred=found)

    @property
    def _choices(self) -> tuple[tuple[Reference, ...], tuple[str, ...]]:
        return self.settings.references, self.settings.aggregations

    @torch.no_grad()
    def _maps(
        self, k: int, images: Tensor, labels: Tensor | None = None
    ) -> dict[Comparison, Tensor]:
        """Return unfiltered error maps (N, 1, H, W) by comparison, all of the same reconstructions.

        With labels (N,) the images are attacked once they are reconstructed, see
        ``attack_fixed_reconstructions``.
        """
        parts: dict[Comparison, list[Tensor]] = {how: [] for how in self._comparisons}
        detector = self.detector.with_scoring(self._bare(k))
        done = 0
        for batch in batched(images, 8):
            x = detector.prepare(batch)
            r = detector.reconstruct(x, detector.sample_noise(x, self.noise))
            if labels is not None:
                signs = labels[done : done + len(x)].to(x.device)
                x = attack_fixed_reconstruction(x, r, signs, self.settings.eps)
            done += len(x)
            for how in self._comparisons:
                parts[how].append(error_over_draws(x, r, *how).cpu())
        return {how: torch.cat(p) for how, p in parts.items()}
