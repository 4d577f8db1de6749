"""Any detector, measured in one line."""

from pathlib import Path
from typing import Any

from hardsight.attacks import build_suite
from hardsight.data import AnomalyData, load
from hardsight.detectors import Detector, as_detector
from hardsight.evaluation.protocol import evaluate
from hardsight.evaluation.results import Evaluation


def matched(
    detector: Any, data: AnomalyData | str | Path, image_size: int | None = None
) -> tuple[Detector, AnomalyData]:
    """Return anything that scores images as a detector, and the data set at its image size.

    Args:
        detector: see ``as_detector``.
        data: a data set, or a folder in a known layout.
        image_size: of a model that does not say; None: that of the data set.
    """
    if image_size is None and isinstance(data, AnomalyData) and not isinstance(detector, Detector):
        image_size = data.test.size
    victim = as_detector(detector, image_size)
    return victim, data if isinstance(data, AnomalyData) else load(data, size=victim.image_size)


def attack(
    detector: Any,
    data: AnomalyData | str | Path,
    suite: str = "autoattack-rand",
    eps: str | float = "2/255",
    norm: str = "Linf",
    budget: str = "fast",
    image_size: int | None = None,
    **options: Any,
) -> Evaluation:
    """Attack any detector on a test set, and return the table.

    Args:
        detector: this project's, an anomalib model, or any module or function that returns scores
            or (scores, maps); see ``as_detector``. One whose gradient is not the true one is
            refused.
        data: a data set, or a folder in a known layout; read at the detector's image size.
        suite: one of ``hardsight.attacks.attack_names``.
        eps, norm: the threat model, at the resolution the detector is given.
        budget: "fast" or "full".
        image_size: of a model that does not say; None: that of the data set.
        options: of ``evaluate``, e.g. ``folder`` to go on after a kill, or ``max_minutes``.

    Example:
        >>> from hardsight import attack
        >>> attack(my_model, "photos/bottle", "eot-pgd", image_size=256).rows  # doctest: +SKIP
    """
    victim, images = matched(detector, data, image_size)
    plan = build_suite(suite, norm, eps, budget)
    chosen: dict[str, Any] = {"curve": (), "gallery": 0} | options
    return evaluate(victim, images, [plan], **chosen)
