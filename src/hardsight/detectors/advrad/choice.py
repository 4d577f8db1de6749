"""Choose how AdvRAD scores and maps, on validation normals with and without synthetic defects."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Generator, Tensor, nn

from hardsight.attacks import MapObjective
from hardsight.core.progress import Progress, quiet
from hardsight.detectors.advrad.contract import E, ErrorDetector
from hardsight.detectors.advrad.report import Report
from hardsight.detectors.advrad.search import ScoringSearch
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.mean_filter import inner_mean_filter
from hardsight.detectors.stages import ATTACK_STEP, FORWARD
from hardsight.metrics import pixel_auroc
from hardsight.synthesis import PseudoAnomalies


def choose_scoring(
    detector: ErrorDetector,
    train: Tensor,
    evidence: PseudoAnomalies,
    settings: Selection,
    seed: int = 0,
    progress: Progress = quiet,
) -> Report:
    """Choose k, averaging, margin, filter, reference and aggregation; no test image is seen.

    For each k the clean maps of all candidates come from one pass. What an EOT-PGD attack on one
    of them makes of the images is scored in all the other ways too, and can only lower what they
    are thought to hold. So the best that was not attacked yet is attacked, again and again, until
    the best of all is one that was, or ``settings.shortlist`` were; the best of those attacked is
    chosen.

    Args:
        detector: with a trained denoiser; left as it is.
        train: (N, 3, H, W) uint8 training normals.
        evidence: from ``settings.evidence``.
        settings: candidates and budget.
        seed: of noise and attack.
        progress: told after each k, and of attacks, of which one costs as much as several ks.
    """
    each = attack_cost(detector, len(train), evidence, settings)
    total = len(settings.ks) + each * (1 + settings.shortlist)

    def compared(k: int) -> None:
        progress("selection", settings.ks.index(k) + 1, total, "scorings")

    search = ScoringSearch(detector, train, evidence, settings, seed, compared)

    def attacked(before: int) -> Callable[[int], None]:
        """Return who hears how many images an attack is done with, ``before`` attacks made."""
        begun, images = len(settings.ks) + each * before, len(search.few.images)
        return lambda done: progress("selection", begun + each * done // images, total, "attacks")

    search.attack_middling(attacked(0))
    for made in range(settings.shortlist):
        if search.best.robust is not None:
            break
        search.attack(search.best, attacked(1 + made))
    progress("selection", total, total, "attacks")
    return Report(search.ranked, settings, settings.robust_weight)


def attack_cost(
    detector: ErrorDetector, train: int, evidence: PseudoAnomalies, settings: Selection
) -> int:
    """Return how many ks are looked at, on whole numbers, while one attack is made and scored.

    A gradient costs as much as ``ATTACK_STEP / FORWARD`` looks at an image.

    Args:
        detector: that is attacked.
        train: number of training normals.
        evidence: from ``settings.evidence``.
        settings: budget.
    """
    k = detector.draws * (min(settings.reference_images, train) + len(evidence.images))
    few = len(settings.few(evidence).images)
    gradients = few * settings.steps * settings.draws
    scored = detector.draws * few * len(settings.ks)
    return max(1, round((gradients * ATTACK_STEP / FORWARD + scored) / k))


def score_map_filters(
    detector: E,
    evidence: PseudoAnomalies,
    settings: Selection,
    generator: Generator,
    progress: Progress = quiet,
) -> dict[int, tuple[float, float]]:
    """Return pixel AUROCs, clean and attacked, by the side of the map's own filter.

    The attack is one on the unfiltered map.

    Args:
        detector: whole; left as it is.
        evidence: from ``settings.evidence``.
        settings: sides and budget.
        generator: of noise and attack.
        progress: told of every image attacked.
    """
    plain = detector.with_scoring(replace(detector.scoring, map_filter_size=1))
    few = settings.few(evidence)

    def aim(labels: Tensor, masks: Tensor) -> MapObjective:
        return MapObjective(cast(nn.Module, plain), masks, "balanced", settings.draws)

    def told(done: int) -> None:
        progress("localise", done, len(few.images), "images")

    adversarial = settings.attack(plain, few, aim, generator, told)
    clean, attacked = (
        by_side(plain, images, masks, settings.map_filter_sizes, generator)
        for images, masks in ((evidence.images, evidence.masks), (adversarial, few.masks))
    )
    return {side: (clean[side], attacked[side]) for side in clean}


def by_side(
    detector: ErrorDetector,
    images: Tensor,
    masks: Tensor,
    sides: Sequence[int],
    generator: Generator,
) -> dict[int, float]:
    """Return the pixel AUROC by the side of a filter of the detector's map.

    Args:
        detector: whole; its map has no filter yet.
        images: (N, 3, H, W) float in [0, 1], or uint8.
        masks: (N, 1, H, W) bool.
        sides: to try, odd.
        generator: of the noise.
    """
    maps = torch.cat([found.anomaly_map for found in detector.stream(images, generator)])
    true = masks.numpy()
    return {side: pixel_auroc(inner_mean_filter(maps, side).numpy(), true) for side in sides}
