"""Published AUROCs of detectors, to stand beside the measured ones."""

from hardsight.attacks import Ball, Threat
from hardsight.evaluation.published.figure import Fact, Published, first
from hardsight.evaluation.published.tables import all_figures
from hardsight.metrics.metric import Target


def published_auroc(
    method: str | None,
    category: str | None,
    attack: str,
    ball: Ball | Threat | None = None,
    target: Target = "image",
    data: str | None = None,
) -> Published | None:
    """Return a paper's AUROC for a category, None where it has none.

    Args:
        method: as the papers call it, e.g. "SPADE", see ``Detector.paper``; None: none of theirs.
        category: of a published data set, e.g. "bottle"; None: the average over all of ``data``.
        attack: a suite's name, or "clean". A paper's attack of maps stands beside "map-pgd".
        ball: the threat model; only the papers' radii have a figure. None when clean.
        target: image or pixel level.
        data: key of ``hardsight.data.published_sets()``; None: any that has the category.
    """
    if method is None or (ball is None) != (attack == "clean"):
        return None
    if (target == "pixel") != attack.startswith("map-") and attack != "clean":
        return None
    facts: dict[str, Fact | None] = {
        "method": method,
        "category": category,
        "metric": "AUROC",
        "target": target,
        "attack": attack.removeprefix("map-"),
        "norm": ball.name if ball else None,
        "eps": float(ball.eps) if ball else None,
    }
    return first(all_figures(), facts if data is None else {**facts, "data": data})


def published_average(
    method: str | None, attack: str, ball: Ball | Threat | None = None
) -> Published | None:
    """Return a paper's mean AUROC over MVTec AD's fifteen categories, None where it has none.

    FastFlow's, as FreeRAD prints it, is not that of its rows.

    Args:
        method, attack, ball: see ``published_auroc``.
    """
    return published_auroc(method, None, attack, ball, data="mvtec_ad")
