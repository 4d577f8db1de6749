"""From normal images to a trained, chosen and calibrated AdvRAD."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.data import AnomalyData
from hardsight.detectors.advrad.adversarial import AdversarialTask
from hardsight.detectors.advrad.choice import choose_scoring, score_map_filters
from hardsight.detectors.advrad.context import TrainingContext
from hardsight.detectors.advrad.contract import E, ErrorDetector
from hardsight.detectors.advrad.errors import with_reference
from hardsight.detectors.advrad.maps import SCALES
from hardsight.detectors.advrad.noise_level import choose_k
from hardsight.detectors.advrad.patch_size import choose_patch, with_patch
from hardsight.detectors.advrad.recipe import AdvRADFit
from hardsight.detectors.advrad.report import Report
from hardsight.detectors.advrad.scoring import ReferenceStatistics
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.advrad.start import Start, take_over, with_patch_of
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.fitted import Fitted, OpenWork, Work, demand_normals
from hardsight.detectors.fitting import calibrated
from hardsight.detectors.held_out import validation_shares
from hardsight.synthesis import PseudoAnomalies, demand_foreground


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Validation normals: some to choose by, the others to calibrate on."""

    calibrating: Tensor
    """(n, 3, H, W) uint8."""
    selection: Selection | None
    """What is chosen; None: nothing."""
    evidence: PseudoAnomalies | None
    """What it is chosen on; None: nothing is."""


Refine = Callable[[E, TrainingContext], None]
"""Trains what else a detector has, once its scoring is chosen."""


def fit_advrad(
    detector: E,
    data: AnomalyData,
    config: AdvRADFit,
    work: Work,
    refine: Refine[E] = lambda detector, context: None,
) -> Fitted[E]:
    """Train the denoiser, choose what is open, and calibrate the threshold.

    Only ``data.train`` and ``data.validation`` are used. With a selection, one half of the
    validation normals serves it and the other calibrates (``validation_shares``). Of several
    categories (``together``) each is drawn equally often, and no reference is used. What can be
    refused is refused before the training.

    Args:
        detector: left as it is.
        data: at the detector's size.
        config: how to train, and what to choose among.
        work: where, and who is told.
        refine: see ``Refine``.

    Raises:
        ImportError: a foreground is found by what is not installed.
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
        ValueError: images of another size, or too few of them; the start is another detector.
    """
    for method in config.foregrounds:
        demand_foreground(method)
    with work.opened() as place:
        scoring = detector.scoring
        scoring = replace(scoring, k=config.k_by_category.get(data.name, scoring.k))
        none = ReferenceStatistics.none(detector.image_size)
        detector = copy.deepcopy(detector).with_scoring(scoring, none)
        context, held_out = (
            _context(detector, data, config, place),
            _held_out(detector, data, config),
        )
        pilots: dict[int, float] = {}
        if config.start is not None:
            start = Start.read(config.start)
            detector = with_patch_of(detector, start)
            take_over(detector, start)
        elif held_out.selection and held_out.evidence and len(held_out.selection.patches) > 1:
            detector, pilots = choose_patch(
                detector, context, held_out.evidence, held_out.selection
            )
        _train_denoiser(detector, context, config.progressive)
        held_out, levels = _train_adversarially(detector, context, held_out, config)
        detector.eval()
        detector, report = _scored(detector, context, held_out)
        refine(detector, context)
        generator = torch.Generator(detector.device).manual_seed(config.training.seed)
        if not data.categories:  # of several categories nothing is compared with a reference
            detector = with_reference(
                detector, detector.scoring, context.normals, generator, progress=place.progress
            )
        if report and held_out.selection and held_out.evidence:
            sides = score_map_filters(
                detector, held_out.evidence, held_out.selection, generator, place.progress
            )
            report = replace(report, pilots=pilots, fixed_reconstruction=levels, localising=sides)
            detector = detector.with_scoring(report.scoring_of(detector.scoring))
        return calibrated(detector, held_out.calibrating, data, config, report)


def _context(
    detector: ErrorDetector, data: AnomalyData, config: AdvRADFit, work: OpenWork
) -> TrainingContext:
    """Read the training images.

    Raises:
        ValueError: too few, none that the detector takes, or none that can be made smaller.
    """
    if config.progressive:
        _demand_half_size(detector, config)
    categories = data.by_category(lambda part: part.train)
    normals = demand_normals(data.train.images(), data)
    detector.prepare(normals[:1])
    policies = [AugmentationPolicy.of(images, config.augment) for images in categories]
    return TrainingContext(categories, normals, tuple(policies), config.training, work)


def _demand_half_size(detector: ErrorDetector, config: AdvRADFit) -> None:
    """Refuse a training on images of half the size that tiles, network or errors do not allow.

    Raises:
        ValueError: that.
    """
    half, coarsest, why = detector.image_size // 2, max(SCALES), None
    patches = config.selection.patches if config.selection and config.start is None else ()
    tried = [with_patch(detector, p) for p in patches] if len(patches) > 1 else [detector]
    if detector.tiling is not None:
        why = f"the detector sees tiles of {detector.tiling.tile} pixels, which are small already"
    elif config.adversarial_training and half % coarsest:
        why = f"an attack needs sides that are multiples of {coarsest}, and half is {half}"
    else:
        try:
            for each in tried:
                each.denoiser.at(half)
        except (TypeError, ValueError) as error:
            why = str(error)
    if why is not None:
        raise ValueError(
            f"progressive={config.progressive} makes images smaller, but {why}: set progressive=0"
        )


def _held_out(detector: ErrorDetector, data: AnomalyData, config: AdvRADFit) -> HeldOut:
    """Share the validation normals between selection and calibration.

    Raises:
        ValueError: too few for either, or settings that several categories do not allow.
    """
    selection = _meaningful(detector, config.selection, data)
    _demand_steps(detector, selection, config)
    if config.start is not None and selection and len(selection.patches) > 1:
        raise ValueError(
            f"selection.patches={selection.patches} would train other denoisers than that of "
            "start; leave them out, or train from first weights with --start none"
        )
    choosing, calibrating = validation_shares(data, config.splits_validation)
    Calibration.check(len(calibrating), config.false_alarms)
    evidence = None if selection is None else selection.evidence(choosing, config.training.seed)
    return HeldOut(calibrating, selection, evidence)


def _demand_steps(detector: ErrorDetector, selection: Selection | None, config: AdvRADFit) -> None:
    """Refuse diffusion steps that the schedule has not, and denoising steps that would be lost.

    Raises:
        ValueError: either.
    """
    last, how = detector.denoiser.schedule.T, config.adversarial_training
    asked = [("selection.ks", k) for k in (selection.ks if selection else ())]
    if how and how.k_high:
        asked.append(("adversarial_training.k_high", how.k_high))
    for name, k in asked:
        if k > last:
            raise ValueError(f"{name} must be at most {last}, the steps of the diffusion, got {k}")
    if selection and detector.scoring.steps > 1:
        raise ValueError(
            f"shots={detector.scoring.shots} would be lost: a selection chooses among one-shot "
            "scorings; set shots=1, or choose nothing (selection=None, --no-select)"
        )


def _train_denoiser(detector: ErrorDetector, context: TrainingContext, progressive: float) -> None:
    """Train plainly, in place."""
    for part, settings, stage in context.sizes(context.training, "train", progressive):
        part.work.train(part.denoising(detector), settings, stage)


def _train_adversarially(
    detector: ErrorDetector, context: TrainingContext, held_out: HeldOut, config: AdvRADFit
) -> tuple[HeldOut, dict[int, float]]:
    """Train on against attacks, in place.

    Returns:
        What is held out, with the k of the training as the only one to choose, and selection scores
        by k where it was chosen.
    """
    how, levels = config.adversarial_training, dict[int, float]()
    if how is None:
        return held_out, levels
    if how.k_low is None:
        k, selection = detector.scoring.k, held_out.selection
        if selection and held_out.evidence:
            k, levels = choose_k(
                detector,
                context.normals,
                held_out.evidence,
                selection,
                context.training.seed,
                context.work.progress,
            )
            selection = selection.model_copy(update={"ks": (k,)})
        how, held_out = how.at(k), replace(held_out, selection=selection)
    whole = how.settings(context.training)
    for part, settings, stage in context.sizes(whole, "adversarial-training", config.progressive):
        images = part.images(detector, how.foreground)
        part.work.train(AdversarialTask(part.denoiser(detector), images, how), settings, stage)
    return held_out, levels


def _scored(detector: E, context: TrainingContext, held_out: HeldOut) -> tuple[E, Report | None]:
    """Return the detector as it shall score, compared with nothing yet, and why."""
    if held_out.selection is None or held_out.evidence is None:
        return detector, None
    report = choose_scoring(
        detector,
        context.normals,
        held_out.evidence,
        held_out.selection,
        context.training.seed,
        context.work.progress,
    )
    return detector.with_scoring(report.scoring_of(detector.scoring)), report


def _meaningful(
    detector: ErrorDetector, selection: Selection | None, data: AnomalyData
) -> Selection | None:
    """Leave to the selection, of several categories, what does not compare pixel with pixel."""
    if not data.categories:
        return selection
    if "error" in (selection.references if selection else (detector.scoring.reference,)):
        return selection and selection.model_copy(update={"references": ("error",)})
    raise ValueError(
        f"several categories ({data.name}) have no common normal error at a pixel; set "
        'detector.scoring.reference=error (in a selection have "error" among the references), or '
        "fit each category by itself, with a run of all of them as its start"
    )
