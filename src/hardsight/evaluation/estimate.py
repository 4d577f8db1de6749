"""How long an evaluation will take, before it starts."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import torch

from hardsight.attacks import ScoreObjective, Suite, frozen, value_and_gradient
from hardsight.data import AnomalyData
from hardsight.detectors import Detector


class Cost(NamedTuple):
    """What a suite will cost on a test set."""

    suite: Suite
    passes: int
    """Network evaluations an image, at most."""
    minutes: float
    """For the whole test set, on this device as busy as it is now."""


def estimate(
    detector: Detector, data: AnomalyData, suites: Sequence[Suite], batch_size: int = 8
) -> list[Cost]:
    """Time two gradients of one batch, and multiply; two scorings, where there is no gradient.

    A pass of a random search has no backward half and is overestimated, by a factor of about three.
    """
    n = min(batch_size, len(data.test))
    x = torch.stack([data.test[i].image for i in range(n)]).to(detector.device)
    labels = torch.from_numpy(data.test.labels[:n]).to(x.device)
    objective = ScoreObjective(detector, labels)
    with frozen(detector):
        for _ in range(2):  # the second is warm
            begun = time.perf_counter()
            if detector.differentiable:
                value_and_gradient(objective, x)
            else:
                objective(x)
            seconds = time.perf_counter() - begun
    each = seconds / (n * detector.draws)
    seen = [s.seen_by(detector, x) for s in suites]
    found = [(s, s.passes(detector.draws)) for s in seen]
    return [Cost(s, p, p * each * len(data.test) / 60) for s, p in found]
