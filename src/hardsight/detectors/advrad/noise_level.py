"""The noise level of adversarial training: as much as the fixed-reconstruction attack allows."""

from collections.abc import Mapping

from torch import Tensor

from hardsight.core.progress import Progress, quiet
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.advrad.search import ScoringSearch
from hardsight.detectors.advrad.selection import Selection
from hardsight.synthesis import PseudoAnomalies


def choose_k(
    detector: ErrorDetector,
    train: Tensor,
    evidence: PseudoAnomalies,
    selection: Selection,
    seed: int,
    progress: Progress = quiet,
) -> tuple[int, dict[int, float]]:
    """Return the k to train and to score at, and the selection score of each of several.

    It is that of the best way to score under the fixed-reconstruction attack: a network that no
    attack fools holds that much. What remains of normal images in their error is what can be added
    to everywhere; more noise leaves more of it, most of all of a texture.

    Args:
        detector: plainly trained; left as it is.
        train: (N, 3, H, W) uint8 training normals.
        evidence: from ``selection.evidence``.
        selection: the ks, all other ways to score, and the radius.
        seed: of the noise.
        progress: told after each k.
    """
    ks, weight = selection.ks, selection.robust_weight
    if len(ks) == 1:
        return ks[0], {}

    def compared(k: int) -> None:
        progress("noise", ks.index(k) + 1, len(ks), "levels")

    search = ScoringSearch(detector, train, evidence, selection, seed, compared)
    search.attack_fixed_reconstructions()
    scores = {k: max(c.selection_score(weight) for c in search.candidates if c.k == k) for k in ks}
    return most_noise(scores, selection.slack), scores


def most_noise(scores: Mapping[int, float], slack: float) -> int:
    """Return the largest k that loses at most ``slack`` of the best selection score.

    Noise hides an attack from the network, and costs an attacker nothing who does not ask it.
    """
    return max(k for k, score in scores.items() if score >= max(scores.values()) - slack)
