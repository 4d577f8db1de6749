"""Choose what AdvRAD leaves open, on validation normals with and without synthetic defects."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor

from hardsight.attacks import MapObjective
from hardsight.core.types import Progress, quiet
from hardsight.detectors.advrad.candidates import Report
from hardsight.detectors.advrad.scoring import Average, Reference, demand_filter, inner_mean_filter
from hardsight.detectors.advrad.search import ScoringSearch
from hardsight.detectors.evidence import Evidence
from hardsight.metrics import pixel_auroc
from hardsight.synthesis import PseudoAnomalies

if TYPE_CHECKING:
    from hardsight.detectors.advrad.detector import AdvRAD


class Selection(Evidence):
    """What to choose among, and on what evidence."""

    ks: tuple[int, ...] = (50, 100, 200)
    """Diffusion steps to try; where a game leaves its own open, they are tried before it."""
    slack: float = Field(0.03, ge=0, le=1)
    """Merit under a painter that more noise may cost, where a game's k is chosen so."""
    averages: tuple[Average, ...] = ("error", "reconstruction")
    margins: tuple[float, ...] = (0.0,)
    """Contrasts that an error must exceed to count."""
    filter_sizes: tuple[int, ...] = (1, 3, 9, 21)
    references: tuple[Reference, ...] = ("error", "deviation", "standardised")
    aggregations: tuple[str, ...] = ("max", "top:0.0015", "top:0.015", "top:0.05", "mean")
    map_filter_sizes: tuple[int, ...] = (1, 9, 21, 41)
    """Sides of a filter of the map alone, chosen once all is trained, see ``localising``."""
    patches: tuple[int, ...] = ()
    """Patch sizes of the fast denoiser to try in short trainings; empty keeps the detector's."""
    pilot_steps: int = Field(300, ge=1)
    """Steps of such a training at the largest patch; smaller ones get fewer, for the same time."""
    eps: float = Field(2 / 255, ge=0, le=1)
    """L-inf radius of the attack, in [0, 1] pixel units."""
    steps: int = Field(10, ge=1)
    """PGD steps of each attack."""
    copies: int = Field(4, ge=1)
    """Defective copies of each."""
    attacked: int = Field(32, ge=1)
    """Of the copies, those attacked: so many or a few more, the first of each normal first."""
    draws: int = Field(2, ge=1)
    """Noise draws a gradient averages, the detector's own among them."""
    reference_images: int = Field(48, ge=2)
    """Training normals the candidates' mean and spread are estimated from."""
    shortlist: int = Field(8, ge=1)
    """Candidates that are attacked themselves, at most: always the best that is left."""

    def few(self, evidence: PseudoAnomalies) -> PseudoAnomalies:
        """Return the part of the evidence that is attacked."""
        normals = int((~evidence.labels).sum())
        return evidence.first(min(self.copies, math.ceil(self.attacked / normals)))

    @model_validator(mode="after")
    def _has_filters(self) -> "Selection":
        for size in (*self.filter_sizes, *self.map_filter_sizes):
            demand_filter(size)
        return self


def select(
    detector: "AdvRAD",
    train: Tensor,
    evidence: PseudoAnomalies,
    settings: Selection,
    seed: int = 0,
    progress: Progress = quiet,
) -> Report:
    """Choose and set k, averaging, margin, filter, reference, aggregation; no test image is seen.

    For each k the clean maps of all candidates come from one pass. What an EOT-PGD attack on one
    of them makes of the images is scored in all the other ways too, and can only lower what they
    are thought to hold. So the best that was not attacked yet is attacked, again and again, until
    the best of all is one that was, or ``settings.shortlist`` were; the best of those attacked is
    configured into ``detector`` (whose reference must be fitted afresh).

    Args:
        detector: with a trained denoiser.
        train: (N, 3, H, W) uint8 training normals.
        evidence: from ``settings.evidence``.
        settings: candidates and budget.
        seed: of noise and attack.
        progress: told after each k and each attack.
    """
    total = len(settings.ks) + 1 + settings.shortlist

    def compared(k: int) -> None:
        progress("select", settings.ks.index(k) + 1, total, "scorings")

    contest = ScoringSearch(detector, train, evidence, settings, seed, compared)
    contest.attack_middling()
    for done in range(settings.shortlist):
        if contest.best.robust is not None:
            break
        progress("select", len(settings.ks) + 1 + done, total, "attacks")
        contest.attack(contest.best)
    progress("select", total, total, "attacks")
    report = Report(contest.ranked, settings, settings.robust_weight)
    detector.configure(**report.chosen)
    return report


def localising(
    detector: "AdvRAD",
    evidence: PseudoAnomalies,
    settings: Selection,
    generator: Generator,
    progress: Progress = quiet,
) -> dict[int, tuple[float, float]]:
    """Return pixel AUROCs, clean and attacked, by the side of the map's own filter.

    The attack is one on the unfiltered map.

    Args:
        detector: whole; the filter of its map is switched off.
        evidence: from ``settings.evidence``.
        settings: sides and budget.
        generator: of noise and attack.
        progress: told of every image attacked.
    """
    detector.map_filter_size = 1
    few = settings.few(evidence)

    def aim(labels: Tensor, masks: Tensor) -> MapObjective:
        return MapObjective(detector, masks, "balanced", settings.draws)

    def told(done: int) -> None:
        progress("localise", done, len(few.images), "images")

    hurt = settings.attack(detector, few, aim, generator, told)
    clean, attacked = (
        by_side(detector, images, masks, settings.map_filter_sizes, generator)
        for images, masks in ((evidence.images, evidence.masks), (hurt, few.masks))
    )
    return {side: (clean[side], attacked[side]) for side in clean}


def by_side(
    detector: "AdvRAD", images: Tensor, masks: Tensor, sides: Sequence[int], generator: Generator
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
