"""Published certified figures, to stand beside the measured ones."""

from hardsight.evaluation.published.figure import Fact, first
from hardsight.evaluation.published.tables import all_figures


def published_certified(
    method: str | None,
    category: str | None,
    sigma: float,
    radius: float,
    data: str | None = None,
) -> float | None:
    """Return FreeRAD's certified AUC in [0, 1] (Table 6), None where it has none.

    The paper predicts by the mean, which its theorem does not certify, and does not state how many
    noisy copies it takes; its zeros fit 29 to 122 of them at alpha = 0.001.

    Args:
        method: see ``published_auroc``; no other paper certifies a detector.
        category: MVTec AD's name, e.g. "bottle"; None: it is none of a published data set.
        sigma: of the smoothing noise.
        radius: L2, in [0, 1] pixel units.
        data: see ``published_auroc``.
    """
    if method is None or category is None:
        return None
    facts: dict[str, Fact | None] = {
        "method": method,
        "category": category,
        "attack": "certified",
        "eps": float(radius),
    }
    of_data = facts if data is None else {**facts, "data": data}
    found = first(all_figures(), of_data, sigma=float(sigma))
    return found.value if found else None
