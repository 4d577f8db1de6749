"""What an attacker of an anomaly detector maximises."""

import copy
import math
from collections.abc import Callable
from typing import Self

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from hardsight.attacks.contract import Selectable
from hardsight.attacks.objectives.draws import (
    count_repeats,
    evaluate_draws,
    mean_over_draws,
    split_draws,
)
from hardsight.attacks.objectives.regions import coarse
from hardsight.core.batches import at_least_single
from hardsight.core.types import Detection, check_labels

Surrogate = Callable[[Detection], Tensor]
"""A smooth stand-in for the score: Detection -> (B,), rising with the score."""


def true_score(detection: Detection) -> Tensor:
    """Return the score (B,) itself; a maximum over pixels gives very few of them a gradient."""
    return detection.pred_score


def flat_map(detection: Detection) -> Tensor:
    """Return the map (B, N): a mean of half precision would rise by steps."""
    return at_least_single(detection.anomaly_map).flatten(1)


def log_sum_exp(detection: Detection) -> Tensor:
    """Return the map's soft maximum (B,), at a temperature of a fifth of its standard deviation."""
    flat = flat_map(detection)
    temperature = 0.2 * flat.detach().std(1, keepdim=True).clamp_min(1e-12)
    soft = torch.logsumexp(flat / temperature, dim=1) - math.log(flat.shape[1])
    return temperature.squeeze(1) * soft


def top_mean(detection: Detection) -> Tensor:
    """Return the mean (B,) of the map's largest 5 %."""
    flat = flat_map(detection)
    return flat.topk(max(1, flat.shape[1] // 20), dim=1).values.mean(1)


def map_mean(detection: Detection) -> Tensor:
    """Return the mean (B,) of the whole map: gradient on every pixel."""
    return flat_map(detection).mean(1)


SURROGATES: dict[str, Surrogate] = {
    "score": true_score,
    "lse": log_sum_exp,
    "top": top_mean,
    "mean": map_mean,
}


class ScoreObjective:
    """+score of normal images, -score of anomalous ones (FreeRAD, section 3: ``y A(x)``).

    Per image, never averaged over the batch; through the whole path, so the images' direct term
    in a reconstruction error counts as much as the reconstruction.

    Args:
        detector: maps (images, noise) to a Detection; ``sample_noise`` gives its randomness. One
            with a method ``score_only``, as every Detector has, is asked for no more.
        labels: (B,) booleans or 0 and 1, true = anomalous, for the images the objective will see,
            in order; a tensor, an array or a list.
        draws: noise draws averaged in each value and gradient, counted in single draws: a detector
            that itself averages D draws is evaluated ``ceil(draws / D)`` times, in one batch.
        surrogate: a name of ``SURROGATES`` or a function Detection -> (B,).
        noise: fixed noise for every evaluation, known to the attacker; None draws it afresh.
        unit_gradients: average the evaluations' gradients at unit length, not as they are.
    """

    def __init__(
        self,
        detector: nn.Module,
        labels: ArrayLike | Tensor,
        draws: int = 1,
        surrogate: str | Surrogate = "score",
        noise: Tensor | None = None,
        unit_gradients: bool = False,
    ) -> None:
        if isinstance(surrogate, str) and surrogate not in SURROGATES:
            raise ValueError(
                f"surrogate={surrogate!r} is not known; choose from {', '.join(SURROGATES)}"
            )
        self.model = detector
        self.sign = 1.0 - 2.0 * check_labels(labels).float()  # normal +1, anomalous -1
        self.surrogate = SURROGATES[surrogate] if isinstance(surrogate, str) else surrogate
        self.noise = noise
        self.unit_gradients = unit_gradients
        self.repeats = count_repeats(detector, draws, noise)

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of images (B, C, H, W)."""
        values = mean_over_draws(self.surrogate(self._evaluate(images, generator)), len(images))
        return self.sign.to(values) * values

    def outputs(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the map on a coarse grid (B, K), with the sign of the objective."""
        maps = at_least_single(self._evaluate(images, generator).anomaly_map)
        grid = mean_over_draws(coarse(maps), len(images))
        return self.sign.to(grid)[:, None] * grid

    def parts(self, images: Tensor) -> list[tuple[float, Self]]:
        """Return this objective in passes of fewer draws each, and their shares."""
        return split_draws(self, self.model, images)

    def take(self, index: Tensor) -> Self:
        """Return the objective of the images that ``index``, (n,) integers or (B,) bool, picks."""
        part = copy.copy(self)
        part.sign = self.sign[index]
        part.noise = None if self.noise is None else self.noise[index]
        if isinstance(self.surrogate, Selectable):
            part.surrogate = self.surrogate.take(index)
        return part

    def _evaluate(self, images: Tensor, generator: torch.Generator | None) -> Detection:
        """Detect on every draw."""
        if len(images) != len(self.sign):
            raise ValueError(f"{len(images)} images but {len(self.sign)} labels")
        seen = self.repeats, generator, self.noise, self.unit_gradients
        found: Detection = evaluate_draws(self.model, images, *seen, scores=True)
        return found


class DecisionObjective(ScoreObjective):
    """How far past the threshold the score is: positive where the detector is fooled.

    +(score - threshold) of normal images, -(score - threshold) of anomalous ones: its zero is the
    decision boundary, which minimal-norm attacks look for. Its gradient is ``ScoreObjective``'s.

    Args:
        detector: as for ``ScoreObjective``.
        labels: (B,) bool, true = anomalous.
        threshold: score from which on an image is called anomalous, e.g. the calibration's.
        draws: noise draws averaged in each value and gradient.
        noise: fixed noise for every evaluation; None draws it afresh.
        unit_gradients: average the evaluations' gradients at unit length, not as they are.
    """

    def __init__(
        self,
        detector: nn.Module,
        labels: ArrayLike | Tensor,
        threshold: float,
        draws: int = 1,
        noise: Tensor | None = None,
        unit_gradients: bool = False,
    ) -> None:
        super().__init__(detector, labels, draws, "score", noise, unit_gradients)
        self.threshold = threshold

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of images (B, C, H, W); positive where fooled."""
        values = super().__call__(images, generator)
        return values - self.sign.to(values) * self.threshold
