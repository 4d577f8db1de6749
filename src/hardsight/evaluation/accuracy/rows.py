"""From predictions to the rows of the table."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hardsight.attacks import Ball, Suite
from hardsight.evaluation.accuracy.attacked import AttackedClasses
from hardsight.evaluation.accuracy.results import Averages
from hardsight.evaluation.results import Budget, Estimate, Row
from hardsight.evaluation.wording import radius
from hardsight.metrics import accuracy_interval, accuracy_over_draws

Ints = NDArray[np.int64]


def share(right: NDArray[np.bool_]) -> Estimate:
    """Return the share of (N,) that is right, with its exact 95 % interval."""
    return Estimate(*accuracy_interval(right, np.ones(len(right), np.bool_)))


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
        single=Estimate(*accuracy_over_draws(done.predicted, part)) if random else None,
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
