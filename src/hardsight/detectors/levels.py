"""The noise level of the game: as much as a painter allows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from hardsight.data import PseudoAnomalies
from hardsight.detectors.contest import Contest
from hardsight.detectors.selection import Selection
from hardsight.types import Progress, quiet

if TYPE_CHECKING:
    from hardsight.detectors.advrad import AdvRAD


def painted_merits(
    detector: "AdvRAD",
    train: Tensor,
    evidence: PseudoAnomalies,
    selection: Selection,
    seed: int,
    progress: Progress = quiet,
) -> dict[int, float]:
    """Return the merit that a painter leaves the best way to score at each k.

    No training against attacks can hold more: what remains of normal images in their error is
    what can be added to everywhere, and more noise leaves more of it, on a texture most of all.

    Args:
        detector: plainly trained; left configured in some way.
        train: (N, 3, H, W) uint8 training normals.
        evidence: from ``selection.evidence``.
        selection: the ks, all other ways to score, and the radius.
        seed: of the noise.
        progress: told after each k.
    """
    done = iter(range(1, len(selection.ks) + 1))
    contest = Contest(
        detector,
        train,
        evidence,
        selection,
        seed,
        lambda k: progress("noise", next(done), len(selection.ks), "levels"),
    )
    contest.paint()
    best: dict[int, float] = {}
    for c in contest.candidates:
        best[c.k] = max(best.get(c.k, 0.0), c.merit(selection.robust_weight))
    return best


def most_noise(merits: Mapping[int, float], slack: float) -> int:
    """Return the largest k that loses at most ``slack`` of the best merit.

    Noise hides an attack from the network; a painter does not care.
    """
    return max(k for k, merit in merits.items() if merit >= max(merits.values()) - slack)
