"""Published certified figures, to stand beside the measured ones."""

# FreeRAD, Table 6: category -> sigma -> certified AUC in % at the L2 radii 0, 0.05, 0.1 and 0.2
_RADII = (0.0, 0.05, 0.1, 0.2)
_TABLE_6: dict[str, dict[float, tuple[float, ...]]] = {
    "bottle": {
        0.0625: (99.9, 95.7, 0, 0),
        0.125: (99.9, 97.8, 92.0, 0),
        0.25: (66.5, 47.3, 28.8, 12.4),
    },
    "grid": {
        0.0625: (100, 99.9, 0, 0),
        0.125: (100, 100, 99.9, 0),
        0.25: (99.6, 99.2, 98.2, 98.2),
    },
    "toothbrush": {
        0.0625: (100, 98.2, 0, 0),
        0.125: (100, 99.4, 97.2, 0),
        0.25: (100, 99.4, 98.1, 91.7),
    },
    "wood": {
        0.0625: (98.5, 87.9, 0, 0),
        0.125: (98.3, 94, 84.8, 0),
        0.25: (96, 88.6, 79.2, 66.7),
    },
}


def published_certified(category: str, sigma: float, radius: float) -> float | None:
    """Return FreeRAD's certified AUC in [0, 1] (Table 6), None where it has none.

    The paper predicts by the mean, which its theorem does not certify, and does not state how many
    noisy copies it takes; its zeros fit 29 to 122 of them at alpha = 0.001.

    Args:
        category: MVTec AD's name, e.g. "bottle".
        sigma: of the smoothing noise.
        radius: L2, in [0, 1] pixel units.
    """
    for level, row in _TABLE_6.get(category, {}).items():
        for r, value in zip(_RADII, row, strict=True):
            if abs(level - sigma) < 1e-9 and abs(r - radius) < 1e-9:
                return value / 100
    return None
