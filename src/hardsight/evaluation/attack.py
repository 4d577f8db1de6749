"""Any detector, measured in one line."""

from pathlib import Path
from typing import Any

from hardsight.attacks import build_suite
from hardsight.data import AnomalyData, load
from hardsight.detectors import as_detector
from hardsight.evaluation.protocol import evaluate
from hardsight.evaluation.results import Evaluation


def attack(
    detector: Any,
    data: AnomalyData | str | Path,
    suite: str = "autoattack-rand",
    eps: str | float = "2/255",
    norm: str = "Linf",
    budget: str = "fast",
    **options: Any,
) -> Evaluation:
    """Attack any detector on a test set, and return the table.

    Args:
        detector: this project's, an anomalib model, or any module or function that returns scores
            or (scores, maps); see ``as_detector``. One whose gradient is not the true one is
            refused.
        data: a data set, or a folder in a known layout; read at the detector's image size.
        suite: a name of ``hardsight.attacks.RECIPES``.
        eps, norm: the threat model, at the resolution the detector is given.
        budget: "fast" or "full".
        options: of ``evaluate``, e.g. ``folder`` to go on after a kill, or ``max_minutes``.

    Example:
        >>> from hardsight import attack
        >>> attack(my_model, "photos/bottle", suite="eot-pgd").rows  # doctest: +SKIP
    """
    victim = as_detector(detector)
    images = data if isinstance(data, AnomalyData) else load(data, size=victim.image_size)
    plan = build_suite(suite, norm, eps, budget)
    chosen: dict[str, Any] = {"curve": (), "gallery": 0} | options
    return evaluate(victim, images, [plan], **chosen)
