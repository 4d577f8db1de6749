"""Published certified figures, to stand beside the measured ones."""

from hardsight.evaluation.published.figure import Fact, first
from hardsight.evaluation.published.tables import all_figures


def published_certified(category: str, sigma: float, radius: float) -> float | None:
    """Return FreeRAD's certified AUC in [0, 1] (Table 6), None where it has none.

    The paper predicts by the mean, which its theorem does not certify, and does not state how many
    noisy copies it takes; its zeros fit 29 to 122 of them at alpha = 0.001.

    Args:
        category: MVTec AD's name, e.g. "bottle".
        sigma: of the smoothing noise.
        radius: L2, in [0, 1] pixel units.
    """
    facts: dict[str, Fact | None] = {
        "method": "FreeRAD",
        "category": category,
        "attack": "certified",
        "eps": float(radius),
    }
    found = first(all_figures(), facts, sigma=float(sigma))
    return found.value if found else None
