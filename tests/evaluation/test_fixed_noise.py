"""The fixed-noise column is the worst of all the suite's attempts under one known noise."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hardsight.attacks import Attempt, Ball, Linf, Suite
from hardsight.core.noise import Noise
from hardsight.core.types import AttackResult, Detection
from hardsight.detectors import Detector
from hardsight.evaluation import Protocol, evaluate

NORMAL, ANOMALOUS = [100, 101, 102, 103], [104, 105, 106, 107]
BALL = Linf(4 / 255)


@dataclass(frozen=True)
class Shift:
    """Adds one value everywhere, up or down, whichever the objective likes better."""

    ball: Ball
    share: float

    @property
    def evaluations(self) -> int:
        return 2

    def __call__(self, objective, images, generator=None, start=None) -> AttackResult:
        tried = [images + s * self.share * self.ball.eps for s in (1, -1)]
        with torch.no_grad():
            values = torch.stack([objective(x, generator) for x in tried])
        best = values.argmax(0)
        return AttackResult.gradient_free(
            torch.stack(tried)[best, torch.arange(len(images))], values.amax(0), 2
        )


class Loud(Detector):
    """Brightness times one plus noise, whose draws of either sign turn an attack round."""

    random = True

    def __init__(self) -> None:
        super().__init__()
        self.image_size = 16
        self.weight = torch.nn.Parameter(torch.ones(()))

    def sample_noise(self, images: Tensor, generator=None) -> Tensor:
        return torch.rand(len(images), 1, 1, 1, generator=generator)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        maps = self.weight * images.mean(1, keepdim=True) * (1 + noise)
        return Detection(maps.flatten(1).mean(1), maps)


def column(data, *shares: float):
    attempts = tuple(Attempt(Shift(BALL, share), "score", draws=2) for share in shares)
    suite = Suite("shift", BALL, lambda ball: attempts, fixed=True)
    rows = evaluate(Loud(), data, [suite], protocol=Protocol(gallery=0)).rows
    return next(row for row in rows if row.attack == "shift").fixed


def known_scores(data, gain: float) -> np.ndarray:
    """The scores of images moved by ``gain`` to the harmful side, under the known noise."""
    x = data.test.images().float().mean((1, 2, 3)) / 255
    generator = Noise(0, torch.device("cpu")).generator(f"fixed/{BALL}", 0)
    noise = Loud().sample_noise(torch.empty(len(x), 3, 16, 16), generator).flatten()
    sign = 1 - 2 * torch.from_numpy(data.test.labels).float()
    return ((x + sign * gain * BALL.eps) * (1 + noise)).numpy()


def auroc(scores, labels):
    pairs = scores[labels][:, None] - scores[~labels][None]
    return np.mean((pairs > 0) + 0.5 * (pairs == 0))


def test_the_second_attempt_counts_where_it_does_more_harm(make_set):
    data = make_set(NORMAL, ANOMALOUS)
    labels = data.test.labels
    weak, strong = (auroc(known_scores(data, share), labels) for share in (0.1, 1.0))
    assert strong < weak
    assert column(data, 0.1).value == weak
    assert column(data, 0.1, 1.0).value == strong
    assert column(data, 1.0, 0.1).value == strong  # and none is lost by another after it


def test_attempts_that_differ_in_their_draws_alone_are_made_once_on_known_noise():
    attempts = tuple(Attempt(Shift(BALL, 1.0), "score", draws) for draws in (1, 4))
    suite = Suite("shift", BALL, lambda ball: attempts, fixed=True)
    assert [a.draws for a in suite.once.attempts] == [1]
