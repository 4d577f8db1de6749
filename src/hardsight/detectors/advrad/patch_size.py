"""The patch size of the fast denoiser, chosen by short trainings of equal cost."""

from hardsight.detectors.advrad.context import TrainingContext
from hardsight.detectors.advrad.contract import E
from hardsight.detectors.advrad.search import ScoringSearch
from hardsight.detectors.advrad.selection import Selection
from hardsight.synthesis import PseudoAnomalies


def choose_patch(
    detector: E, context: TrainingContext, evidence: PseudoAnomalies, selection: Selection
) -> tuple[E, dict[int, float]]:
    """Train each patch size for a while, and return the detector with the best, untrained.

    A smaller patch costs more a step, in proportion to its number of cells; it gets as many steps
    fewer. What decides is the best selection score that a patch size reaches under any scoring.

    Args:
        detector: with a fast denoiser; left as it is.
        context: training images and optimiser; a killed choice goes on from the pilots' checkpoints
            in its folder.
        evidence: from ``selection.evidence``.
        selection: the patch sizes and the steps at the largest.

    Returns:
        The detector, and patch size -> selection score.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
        ValueError: images that a patch size does not fit, before any is trained.
    """
    largest = max(selection.patches)
    scores: dict[int, float] = {}
    pilots = {patch: with_patch(detector, patch) for patch in selection.patches}
    for patch, pilot in pilots.items():
        steps = max(1, selection.pilot_steps * patch**2 // largest**2)
        settings = context.training.model_copy(update={"steps": steps})
        context.work.train(context.denoising(pilot), settings, f"pilot-{patch}")
        pilot.eval()
        search = ScoringSearch(pilot, context.normals, evidence, selection, settings.seed)
        search.attack_middling()
        scores[patch] = search.best.selection_score(selection.robust_weight)
    return with_patch(detector, max(scores, key=scores.__getitem__)), scores


def with_patch(detector: E, patch: int) -> E:
    """Return an untrained detector of another patch size, else as it is set.

    Raises:
        TypeError: the denoiser has no patches.
    """
    settings = detector.settings
    denoiser = (settings["denoiser"] or {}) | {"patch": patch}
    made = type(detector).from_settings(settings | {"denoiser": denoiser})
    return made.to(detector.device)
