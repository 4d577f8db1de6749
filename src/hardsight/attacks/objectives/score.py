"""What an attacker of an anomaly detector maximises."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from hardsight.types import Detection

Surrogate = Callable[[Detection], Tensor]
"""A smooth stand-in for the score: Detection -> (B,), rising with the score."""


def true_score(detection: Detection) -> Tensor:
    """(B,) the score itself; of a maximum over pixels its gradient touches very few of them."""
    return detection.pred_score


def log_sum_exp(detection: Detection) -> Tensor:
    """(B,) soft maximum of the map, at a temperature of a fifth of its standard deviation."""
    flat = detection.anomaly_map.flatten(1)
    temperature = 0.2 * flat.detach().std(1, keepdim=True).clamp_min(1e-12)
    soft = torch.logsumexp(flat / temperature, dim=1) - math.log(flat.shape[1])
    return temperature.squeeze(1) * soft


def top_mean(detection: Detection) -> Tensor:
    """(B,) mean of the map's largest 5 %."""
    flat = detection.anomaly_map.flatten(1)
    return flat.topk(max(1, flat.shape[1] // 20), dim=1).values.mean(1)


def map_mean(detection: Detection) -> Tensor:
    """(B,) mean of the whole map: gradient on every pixel."""
    return detection.anomaly_map.flatten(1).mean(1)


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
        detector: maps (images, noise) to a Detection; ``sample_noise`` gives its randomness.
        labels: (B,) bool, true = anomalous, for the images the objective will see, in order.
        draws: noise draws averaged in each value and gradient, counted in single draws: a detector
            that itself averages D draws is evaluated ``ceil(draws / D)`` times, in one batch.
        surrogate: a name of ``SURROGATES`` or a function Detection -> (B,).
        noise: fixed noise for every evaluation, known to the attacker; None draws it afresh.
    """

    def __init__(
        self,
        detector: nn.Module,
        labels: Tensor,
        draws: int = 1,
        surrogate: str | Surrogate = "score",
        noise: Tensor | None = None,
    ) -> None:
        if draws < 1:
            raise ValueError(f"draws must be at least 1, got {draws}")
        if isinstance(surrogate, str) and surrogate not in SURROGATES:
            raise ValueError(
                f"surrogate={surrogate!r} is not known; choose from {', '.join(SURROGATES)}"
            )
        self.detector = detector
        self.sign = 1.0 - 2.0 * labels.float()  # normal +1, anomalous -1
        self.surrogate = SURROGATES[surrogate] if isinstance(surrogate, str) else surrogate
        self.noise = noise
        own = int(getattr(detector, "draws", 1))
        self.repeats = 1 if noise is not None else math.ceil(draws / own)

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(B, C, H, W) -> (B,) to be maximised."""
        if len(images) != len(self.sign):
            raise ValueError(f"{len(images)} images but {len(self.sign)} labels")
        n = self.repeats
        x = images if n == 1 else images.repeat_interleave(n, dim=0)
        noise = self.noise
        if noise is None:
            noise = self.detector.sample_noise(x, generator)  # type: ignore[operator]
        values = self.surrogate(self.detector(x, noise))
        return self.sign.to(values) * values.view(-1, n).mean(1)
