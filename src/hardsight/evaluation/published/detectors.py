"""Published AUROCs of detectors, to stand beside the measured ones."""

from hardsight.attacks import Ball, Threat
from hardsight.evaluation.published.baselines import AVERAGES, BASELINES, BPDA, Row
from hardsight.evaluation.published.figure import Published
from hardsight.metrics.metric import Target

# FreeRAD, Tables 2 and 3: category -> its row
_PGD: dict[str, Row] = {
    "carpet": (82.7, 70.5, 76.6),
    "grid": (100, 99.8, 99.9),
    "leather": (100, 97.8, 99.9),
    "tile": (99.2, 93.9, 93.1),
    "wood": (98.3, 95.2, 95.5),
    "bottle": (100, 88.1, 95.5),
    "cable": (79.5, 38.9, 65.7),
    "capsule": (93.9, 53.5, 68.1),
    "hazelnut": (97.5, 91.5, 94.3),
    "metal_nut": (93.5, 85.9, 87.9),
    "pill": (97.2, 39.0, 80.3),
    "screw": (99.3, 87.6, 91.8),
    "toothbrush": (100, 95.8, 99.4),
    "transistor": (93.7, 74.5, 84.3),
    "zipper": (100, 96.2, 99.2),
}
# FreeRAD, Table 5: under EOT-PGD with 20 draws in place of PGD
_EOT_PGD: dict[str, Row] = {
    "bottle": (100, 87.0, 94.3),
    "grid": (100, 99.8, 100),
    "toothbrush": (100, 92.5, 98.1),
    "wood": (98.3, 86.0, 94.4),
}
_ROWS: dict[str, dict[str, dict[str, Row]]] = {
    "clean": {"FreeRAD": _PGD} | BASELINES,
    "pgd": {"FreeRAD": _PGD} | BASELINES,
    "eot-pgd": {"FreeRAD": _EOT_PGD},
}
_AVERAGES = {"clean": AVERAGES, "pgd": AVERAGES, "bpda": BPDA}
_RADII = {"Linf": 2 / 255, "L2": 0.2}
# PatchGuard, Table 13: category -> AUROC in % of images clean and attacked, of pixels the same;
# L-inf PGD-1000 at 8/255 of the patches' true labels
_PATCHGUARD = {
    "bottle": (97.6, 84.7, 96.7, 84.6),
    "cable": (87.3, 74.0, 97.2, 77.8),
    "capsule": (71.8, 79.6, 93.6, 85.2),
    "carpet": (83.9, 43.2, 95.8, 53.7),
    "grid": (95.7, 74.9, 93.1, 55.5),
    "hazelnut": (99.5, 80.5, 97.2, 91.3),
    "leather": (91.0, 80.2, 97.6, 67.6),
    "metal_nut": (88.8, 54.4, 87.9, 75.3),
    "pill": (81.5, 59.1, 86.7, 76.3),
    "screw": (55.4, 56.6, 93.8, 86.5),
    "tile": (95.3, 71.7, 86.2, 64.0),
    "toothbrush": (100, 90.6, 93.9, 81.9),
    "transistor": (94.1, 84.3, 95.4, 84.8),
    "wood": (93.1, 56.0, 89.6, 57.4),
    "zipper": (87.6, 76.9, 86.2, 65.7),
}


def published_auroc(
    method: str | None,
    category: str,
    attack: str,
    ball: Ball | Threat | None = None,
    target: Target = "image",
) -> Published | None:
    """Return a paper's AUROC for an MVTec AD category, None where it has none.

    Args:
        method: "FreeRAD", "PatchGuard" or one of ``BASELINES``, see ``Detector.paper``.
        category: MVTec AD's name, e.g. "bottle".
        attack: a suite's name, or "clean". PatchGuard's single attack stands beside "pgd" for
            images and "map-pgd" for pixels.
        ball: the threat model; only the paper's radii have a figure.
        target: image or pixel level.
    """
    if method == "PatchGuard":
        return _patchguard(category, attack, ball, target)
    row = _ROWS.get(attack, {}).get(method or "", {}).get(category)
    column = _column(attack, ball)
    if row is None or column is None or target != "image":
        return None
    table = 5 if attack == "eot-pgd" else (2, 2, 3)[column]
    return Published(row[column] / 100, f"FreeRAD, Table {table}")


def published_average(
    method: str | None, attack: str, ball: Ball | Threat | None = None
) -> Published | None:
    """Return FreeRAD's mean AUROC over MVTec AD's fifteen categories, None where it has none.

    Args:
        method: one of ``AVERAGES``.
        attack: "clean", "pgd" or "bpda".
        ball: the threat model; only the paper's radii have a figure.
    """
    place, row = _AVERAGES.get(attack, {}).get(method or "", ("", None))
    column = _column(attack, ball)
    return None if row is None or column is None else Published(row[column] / 100, place)


def _column(attack: str, ball: Ball | Threat | None) -> int | None:
    """Return the column of a ``Row`` that an attack in a ball stands in; None: in none."""
    if ball is None:
        return 0 if attack == "clean" else None
    known = abs(_RADII.get(ball.name, -1.0) - ball.eps) < 1e-9
    return 1 + list(_RADII).index(ball.name) if known else None


def _patchguard(
    category: str, attack: str, ball: Ball | Threat | None, target: str
) -> Published | None:
    if category not in _PATCHGUARD:
        return None
    same = ball is not None and ball.name == "Linf" and abs(ball.eps - 8 / 255) < 1e-9
    attacked = same and attack == {"image": "pgd", "pixel": "map-pgd"}[target]
    if attack != "clean" and not attacked:
        return None
    column = 2 * (target == "pixel") + attacked
    return Published(_PATCHGUARD[category][column] / 100, "PatchGuard, Table 13")
