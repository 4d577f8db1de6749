"""Ways to score, each judged by the worst that any attack so far does to each image."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from hardsight.attacks import ScoreObjective
from hardsight.core.batches import at_once
from hardsight.detectors.advrad.candidates import Candidate, ReferenceStatistics, scorings
from hardsight.detectors.advrad.fixed_reconstruction import painted
from hardsight.detectors.advrad.scoring import Average, Reference, normal_errors
from hardsight.metrics import auroc, sensitivity_index
from hardsight.synthesis import PseudoAnomalies

if TYPE_CHECKING:
    from hardsight.detectors.advrad.detector import AdvRAD
    from hardsight.detectors.advrad.selection import Selection


Comparison = tuple[Average, float]
"""Averaging and margin of an error map."""


class ScoringSearch:
    """Every candidate's AUROC, clean and under attack.

    An attack on one way to score is an attack on all of them, if a weaker one: whatever it makes
    of the images is scored in every way, at every k. So each candidate's AUROC under the worst per
    image is a bound from above, which no attack can raise; that of a candidate that was attacked
    itself is its robust AUROC.

    Args:
        detector: with a trained denoiser; configured anew by every attack.
        train: (N, 3, H, W) uint8 training normals.
        evidence: from ``settings.evidence``.
        settings: candidates and budget.
        seed: of noise and attacks.
        progress: told of every k that is done.
    """

    def __init__(
        self,
        detector: "AdvRAD",
        train: Tensor,
        evidence: PseudoAnomalies,
        settings: "Selection",
        seed: int,
        progress: Callable[[int], None] = lambda k: None,
    ) -> None:
        self.detector, self.evidence, self.settings = detector, evidence, settings
        order = torch.randperm(len(train), generator=Generator().manual_seed(seed))
        self.noise = Generator(detector.device).manual_seed(seed)
        self.few = settings.few(evidence)
        self.candidates: list[Candidate] = []
        self._comparisons = tuple(product(settings.averages, settings.margins))
        self._yardsticks: dict[tuple[int, Average, float], ReferenceStatistics] = {}
        worst, labels = [], evidence.labels.numpy()
        for k in settings.ks:
            normal = self._maps(k, train[order[: settings.reference_images]])
            clean = self._maps(k, evidence.images)
            for how in self._comparisons:
                yards = {size: normal_errors(normal[how], size) for size in settings.filter_sizes}
                self._yardsticks[k, *how] = yards
                for chosen, scores in scorings(yards, clean[how], *self._choices):
                    value, apart = auroc(scores, labels), distance(scores, labels)
                    found = Candidate(k, *how, **chosen, clean=value, clean_distance=apart)
                    self.candidates.append(found)
                    worst.append(scores[: len(self.few.labels)])
            progress(k)
        self.worst: NDArray[np.float64] = np.stack(worst)
        """(candidates, N) scores of ``few`` under the worst per image so far."""
        self._judge()

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

    def attack(self, candidate: Candidate) -> None:
        """Attack a candidate, and show what comes of it to all of them."""
        i = self.candidates.index(candidate)
        self.candidates[i] = replace(candidate, robust=candidate.transferred)  # and falls from here
        self._suffer(candidate.settings)

    def attack_middling(self) -> None:
        """Attack a middling way to score at the middle k, be it a candidate or not."""
        self._suffer(self._middling(self.settings.ks[len(self.settings.ks) // 2]))

    def paint(self) -> None:
        """Show to all ways what a painter makes of the images at each k, see ``painted``."""
        self._endure(lambda k: self._maps(k, self.few.images, self.few.labels))

    def _middling(self, k: int) -> dict[str, Any]:
        return {
            "k": k,
            "average": self.settings.averages[0],
            "margin": self.settings.margins[0],
            "filter_size": self.settings.filter_sizes[-1],
            "reference": self.settings.references[-1],
            "aggregation": "top:0.05",
        }

    def _suffer(self, scoring: Mapping[str, Any]) -> None:
        """Score in all ways what an attack on ``scoring`` makes of the images."""
        self._configure(scoring)
        attacked = self.settings.attack(self.detector, self.few, self._aim, self.noise)
        self._endure(lambda k: self._maps(k, attacked))

    def _endure(self, attacked: Callable[[int], dict[Comparison, Tensor]]) -> None:
        """Lower all bounds to what maps (N, 1, H, W) of attacked images, by k, leave."""
        anomalous = self.few.labels.numpy()
        i = 0
        for k in self.settings.ks:
            maps = attacked(k)
            for how in self._comparisons:
                for _, s in scorings(self._yardsticks[k, *how], maps[how], *self._choices):
                    w = self.worst[i]
                    self.worst[i] = np.where(anomalous, np.minimum(w, s), np.maximum(w, s))
                    i += 1
        self._judge()

    def _configure(self, scoring: Mapping[str, Any]) -> None:
        """Set a way to score and its normal errors."""
        self.detector.configure(**scoring)
        place = scoring["k"], scoring["average"], scoring["margin"]
        mean, spread = self._yardsticks[place][scoring["filter_size"]]
        self.detector.map_mean.copy_(mean)
        self.detector.map_spread.copy_(spread)

    def _judge(self) -> None:
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
        """(N, 1, H, W) unfiltered error maps by comparison, all of the same reconstructions.

        With labels (N,) the images are painted once they are reconstructed.
        """
        parts: dict[Comparison, list[Tensor]] = {how: [] for how in self._comparisons}
        self.detector.configure(**self._middling(k))
        done = 0
        for batch in torch.split(images, at_once(images.shape, 8)):
            x = self.detector.prepare(batch)
            r = self.detector.reconstruct(x, self.detector.sample_noise(x, self.noise))
            if labels is not None:
                x = painted(x, r, labels[done : done + len(x)].to(x.device), self.settings.eps)
            done += len(x)
            for how in self._comparisons:
                parts[how].append(self.detector.compare(x, r, *how).cpu())
        return {how: torch.cat(p) for how, p in parts.items()}

    def _aim(self, labels: Tensor, masks: Tensor) -> ScoreObjective:
        """Return what an attack on the score maximises, as the detector is configured."""
        return ScoreObjective(self.detector, labels, self.settings.draws)


def distance(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """d' of the logarithms of scores (N,), none negative."""
    return sensitivity_index(np.log(np.maximum(scores, 1e-12)), labels)
