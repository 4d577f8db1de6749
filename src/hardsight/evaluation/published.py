"""Published figures, to stand beside the measured ones."""

from hardsight.attacks import Ball

# FreeRAD, Tables 2 and 3: category -> AUC in % clean, under L-inf PGD at 2/255, under L2 PGD at 0.2
_PGD = {
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
# FreeRAD, Table 5: under EOT-PGD with 20 draws, same radii
_EOT_PGD = {
    "bottle": (87.0, 94.3),
    "grid": (99.8, 100),
    "toothbrush": (92.5, 98.1),
    "wood": (86.0, 94.4),
}
_RADII = {"Linf": 2 / 255, "L2": 0.2}


def published_auroc(category: str, attack: str, ball: Ball | None = None) -> float | None:
    """Return FreeRAD's image AUROC in [0, 1] for an MVTec AD category, None where it has none.

    Args:
        category: MVTec AD's name, e.g. "bottle".
        attack: "clean", "pgd" or "eot-pgd".
        ball: the threat model; only the paper's radii (L-inf 2/255, L2 0.2) have a figure.
    """
    if attack == "clean":
        row = _PGD.get(category)
        return row[0] / 100 if row else None
    if ball is None or abs(_RADII.get(ball.name, -1.0) - ball.eps) > 1e-9:
        return None
    column = list(_RADII).index(ball.name)
    if attack == "pgd" and category in _PGD:
        return _PGD[category][1 + column] / 100
    if attack == "eot-pgd" and category in _EOT_PGD:
        return _EOT_PGD[category][column] / 100
    return None
