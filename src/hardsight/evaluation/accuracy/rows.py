"""From predictions to the rows of the table."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hardsight.attacks import Ball, Suite
from hardsight.certify.confidence import lower_confidence, upper_confidence
from hardsight.evaluation.accuracy.attacked import AttackedClasses
from hardsight.evaluation.accuracy.results import Averages
from hardsight.evaluation.results import Budget, Estimate, Row
from hardsight.evaluation.verdict import radius

Ints = NDArray[np.int64]
_LEVEL = 0.025  # on either side


def share(right: NDArray[np.bool_]) -> Estimate:
    """Return the share of (N,) that is right, with its exact 95 % interval."""
    k, n = int(right.sum()), len(right)
    low, high = float(lower_confidence(k, n, _LEVEL)), float(upper_confidence(k, n, _LEVEL))
    return Estimate(k / n, low, high)


def share_over_draws(right: NDArray[np.bool_], resamples: int = 1000) -> Estimate:
    """Return the share of (N, D) that is right: one draw, its interval over draws and images."""
    n, d = right.shape
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(n, size=(resamples, n)), rng.integers(d, size=resamples)
    found = right[rows, columns[:, None]].mean(1)
    low, high = np.quantile(found, [_LEVEL, 1 - _LEVEL])
    value = float(right.mean())
    return Estimate(value, min(float(low), value), max(float(high), value))


def accuracy_row(
    name: str,
    done: AttackedClasses,
    labels: Ints,
    suite: Suite | None = None,
    published: float | None = None,
    flags: tuple[str, ...] = (),
) -> Row:
    """The accuracy in the four noise columns.

    "mean" is that of the logits averaged over the fresh draws, "single" that of one draw, "worst"
    the share of images right in every draw (a resubmission fools it), "fixed" that under noise the
    attacker knew. Without noise only the first is there.
    """
    part = labels[: len(done.predicted)]
    right = done.predicted == part[:, None]
    random = right.shape[1] > 1
    return Row(
        attack=name,
        target="image",
        metric="accuracy",
        mean=share(done.together == part),
        single=share_over_draws(right) if random else None,
        worst=share(right.all(1)) if random else None,
        fixed=None if done.fixed is None else share(done.fixed == part),
        norm=suite.ball.name if suite else None,
        eps=suite.ball.eps if suite else 0.0,
        fresh_draws=right.shape[1] if random else 0,
        budget=Budget(suite.budget, suite.description, done.passes) if suite else Budget(),
        published=published,
        seconds_per_image=done.seconds_per_image,
        flags=flags if suite else (),
    )


def averages(
    rows: Sequence[Row], suites: Sequence[Suite], trained: Ball | None = None
) -> tuple[Averages, ...]:
    """Average each suite over its threat models: all (AoA), and those not trained on (AwT).

    Args:
        rows: attacked, in the order of the suites.
        suites: one a row.
        trained: the threat model of adversarial training; None: the classifier saw none.
    """
    found = []
    for name in dict.fromkeys(s.name for s in suites):
        same = [(r, s.ball) for r, s in zip(rows, suites, strict=True) if s.name == name]
        if len(same) < 2:
            continue
        unseen = [r.mean.value for r, ball in same if ball != trained]
        found.append(
            Averages(
                name,
                tuple(radius(ball.name, ball.eps) for _, ball in same),
                float(np.mean([r.mean.value for r, _ in same])),
                float(np.mean(unseen)) if unseen else None,
            )
        )
    return tuple(found)
