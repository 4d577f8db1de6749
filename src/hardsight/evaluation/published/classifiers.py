"""Published accuracies of purified classifiers, to stand beside the measured ones."""

import math
from collections.abc import Collection

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
    method: str | None, suite: str, threats: Collection[tuple[str, float]]
) -> dict[str, float]:
    """Return a paper's averages over the same threat models, in [0, 1]; empty where it has none.

    Args:
        method, suite: see ``published_accuracy``.
        threats: norm and radius of each.

    Returns:
        "AoA", over all of them, and "AwT", over those that were not trained on.
    """
    of_suite = [f for f in all_figures() if f.matches({"method": method, "attack": suite})]
    plain = [f for f in of_suite if not f.variant]
    balls = [(f.facts["norm"], f.facts["eps"]) for f in plain if "norm" in f.facts]
    alike = len(balls) == len(threats) and all(
        any(norm == other and math.isclose(float(eps), radius) for norm, eps in balls)
        for other, radius in threats
    )
    averages = {str(f.facts["metric"]): f.value for f in plain if "norm" not in f.facts}
    return averages if alike and method is not None else {}
