"""The patch size of the fast denoiser, chosen by short trainings of equal cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.core.types import Progress
from hardsight.detectors.advrad.search import ScoringSearch
from hardsight.detectors.advrad.selection import Selection
from hardsight.synthesis import PseudoAnomalies
from hardsight.training import DenoisingTask, Settings, complete

if TYPE_CHECKING:
    from hardsight.detectors.advrad.detector import AdvRAD


def choose_patch(
    detector: "AdvRAD",
    normals: Tensor,
    kinds: Sequence[AugmentationPolicy],
    evidence: PseudoAnomalies,
    selection: Selection,
    training: Settings,
    folder: Path,
    progress: Progress,
) -> dict[int, float]:
    """Train each patch size for a while, and leave the best one, untrained, in ``detector``.

    A smaller patch costs more a step, in proportion to its number of cells; it gets as many steps
    fewer. What decides is the best merit that a patch size reaches under any scoring.

    Args:
        detector: with a fast denoiser; rebuilt for every patch size.
        normals: (N, 3, H, W) uint8 training normals.
        kinds: of the training images, see ``DenoisingTask``.
        evidence: from ``selection.evidence``.
        selection: the patch sizes and the steps at the largest.
        training: of which optimiser and schedule are taken.
        folder: for the pilots' checkpoints; a killed choice goes on from them.
        progress: told of every step.

    Returns:
        Patch size -> merit.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
    """
    largest = max(selection.patches)
    merits: dict[int, float] = {}
    for patch in selection.patches:
        detector.rebuild(patch)
        steps = max(1, selection.pilot_steps * patch**2 // largest**2)
        settings = training.model_copy(update={"steps": steps})
        task = DenoisingTask(detector.denoiser, normals, kinds, detector.k, detector.tile)
        place = folder / f"pilot-{patch}"
        complete(task, settings, place, f"pilot, patch {patch}", progress)
        detector.eval()
        contest = ScoringSearch(detector, normals, evidence, selection, training.seed)
        contest.attack_middling()
        merits[patch] = contest.best.merit(selection.robust_weight)
    detector.rebuild(max(merits, key=lambda p: merits[p]))
    return merits
