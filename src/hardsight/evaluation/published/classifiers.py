"""Published accuracies of purified classifiers, to stand beside the measured ones."""

from typing import Literal

from hardsight.attacks import Ball, Threat
from hardsight.evaluation.published.figure import Fact, Published, first
from hardsight.evaluation.published.tables import all_figures


def published_accuracy(
    method: str | None, suite: str, ball: Ball | Threat | None
) -> Published | None:
    """Return a paper's figure for the same row, None where there is none.

    RobustBench attacks a random defence by AutoAttack's random version and says "AutoAttack".

    Args:
        method: as the tables call it: "ddim", "adp", "diffpure", "rap" (CIFAR-10), "rap-mnist" or
            "madry-mnist"; None: no method of a paper.
        suite: the row's attack, "clean" without one.
        ball: the threat model; None when clean.
    """
    if method is None:
        return None
    facts: dict[str, Fact | None] = {
        "method": method,
        "metric": "accuracy",
        "attack": suite.removesuffix("-rand"),
        "norm": ball.name if ball else None,
        "eps": float(ball.eps) if ball else None,
    }
    return first(all_figures(), facts)


def published_over_threats(
    method: str | None, suite: str, metric: Literal["AoA", "AwT"]
) -> Published | None:
    """Return a paper's average over its threat models, None where there is none.

    Args:
        method, suite: see ``published_accuracy``.
        metric: "AoA", over all of them; "AwT", over those that were not trained on.
    """
    if method is None:
        return None
    return first(all_figures(), {"method": method, "metric": metric, "attack": suite})
