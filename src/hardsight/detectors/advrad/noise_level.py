"""The noise level of the game: as much as a painter allows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from hardsight.core.types import Progress, quiet
from hardsight.detectors.advrad.search import ScoringSearch
from hardsight.detectors.advrad.selection import Selection
from hardsight.synthesis import PseudoAnomalies

if TYPE_CHECKING:
    from hardsight.detectors.advrad.detector import AdvRAD


def choose_k(
    detector: "AdvRAD",
    train: Tensor,
    evidence: PseudoAnomalies | None,
    selection: Selection | None,
    seed: int,
    progress: Progress = quiet,
) -> tuple[int, dict[int, float]]:
    """Return the k to play and to score at, and what a painter leaves at each of several.

    Args:
        detector: plainly trained; left configured in some way.
        train: (N, 3, H, W) uint8 training normals.
        evidence: from ``selection.evidence``.
        selection: the ks, all other ways to score, and the radius; None: the detector's own k.
        seed: of the noise.
        progress: told after each k.
    """
    if selection is None or evidence is None:
        return detector.k, {}
    if len(selection.ks) == 1:
        return selection.ks[0], {}
    detector.eval()
    merits = painted_merits(detector, train, evidence, selection, seed, progress)
    return most_noise(merits, selection.slack), merits


def painted_merits(
    detector: "AdvRAD",
    train: Tensor,
    evidence: PseudoAnomalies,
    selection: Selection,
    seed: int,
    progress: Progress,
) -> dict[int, float]:
    """Return the merit that a painter leaves the best way to score at each k; see ``choose_k``.

    A network that no attack fools holds that much. What remains of normal images in their error
    is what can be added to everywhere; more noise leaves more of it, most of all of a texture.
    """
    ks = selection.ks

    def compared(k: int) -> None:
        progress("noise", ks.index(k) + 1, len(ks), "levels")

    contest = ScoringSearch(detector, train, evidence, selection, seed, compared)
    contest.paint()
    weight = selection.robust_weight
    return {k: max(c.merit(weight) for c in contest.candidates if c.k == k) for k in ks}


def most_noise(merits: Mapping[int, float], slack: float) -> int:
    """Return the largest k that loses at most ``slack`` of the best merit.

    Noise hides an attack from the network, and costs an attacker nothing who does not ask it.
    """
    return max(k for k, merit in merits.items() if merit >= max(merits.values()) - slack)
