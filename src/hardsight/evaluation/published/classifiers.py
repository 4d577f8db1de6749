"""Published accuracies of purified classifiers, to stand beside the measured ones."""

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
