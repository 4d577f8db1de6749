"""From normal images to a trained, chosen and calibrated AdvRAD."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hardsight.augment import Augment, AugmentationPolicy
from hardsight.core.types import Progress
from hardsight.data import AnomalyData
from hardsight.detectors.advrad.adversarial import AdversarialTask, AdversarialTraining
from hardsight.detectors.advrad.candidates import Report
from hardsight.detectors.advrad.errors import error_maps
from hardsight.detectors.advrad.noise_level import choose_k
from hardsight.detectors.advrad.patch_size import choose_patch
from hardsight.detectors.advrad.selection import Selection, localising, select
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.evidence import shares
from hardsight.synthesis import Foreground, find_foreground
from hardsight.training import DenoisingTask, Settings, Task, complete

if TYPE_CHECKING:
    from hardsight.detectors.advrad.detector import AdvRAD


@dataclass(frozen=True)
class TrainingContext:
    """What a detector is trained on."""

    categories: tuple[Tensor, ...]
    """(N, 3, H, W) uint8 training normals of each."""
    normals: Tensor
    """Those of all categories."""
    kinds: tuple[AugmentationPolicy, ...]
    """Of each category's images."""
    training: Settings
    folder: Path
    resume: bool
    progress: Progress

    def foreground(self, kind: Foreground) -> Tensor:
        """(N, 1, H, W) bool where the objects lie, found for each category by itself."""
        return _joined([find_foreground(kind, images) for images in self.categories])

    def complete(self, task: Task, settings: Settings, stage: str) -> None:
        """Train to the last step, in a folder of the stage's name; see ``training.complete``."""
        complete(task, settings, self.folder / stage, stage, self.progress, self.resume)


def fit_advrad(
    detector: "AdvRAD",
    data: AnomalyData,
    training: Settings,
    selection: Selection | None,
    game: AdversarialTraining | None,
    start: "AdvRAD | None",
    augment: Augment,
    false_alarms: float | None,
    folder: Path,
    resume: bool,
    progress: Progress,
) -> None:
    """Fit in place; see ``AdvRAD.fit``. What can be refused is refused before the training."""
    parts = data.parts or (data,)
    each = [part.train.images() for part in parts]
    normals = _joined(each)
    detector.prepare(normals[:1])
    selection = _meaningful(detector, selection, data)
    held_out = [shares(p.validation.images(), selection is not None) for p in parts]
    calibrating = _joined([c for _, c in held_out])
    Calibration.check(len(calibrating), false_alarms)
    choosing = _alternating([c for c, _ in held_out])
    evidence = None if selection is None else selection.evidence(choosing, training.seed)
    if start is not None:
        _adopt(detector, start, selection)
    kinds = [AugmentationPolicy.of(images, augment) for images in each]
    pilots: dict[int, float] = {}
    if selection and evidence and len(selection.patches) > 1:
        pilots = choose_patch(
            detector, normals, kinds, evidence, selection, training, folder, progress
        )

    lesson = TrainingContext(tuple(each), normals, tuple(kinds), training, folder, resume, progress)
    if training.steps:
        task = DenoisingTask(detector.denoiser, normals, kinds, detector.k, detector.tile)
        complete(task, training, folder, "train", progress, resume)
    merits: dict[int, float] = {}
    if game is not None:
        if game.k_low is None:
            k, merits = choose_k(detector, normals, evidence, selection, training.seed, progress)
            game = game.at(k)
            selection = selection and selection.model_copy(update={"ks": (k,)})
        where = lesson.foreground(game.foreground)
        match = AdversarialTask(detector.denoiser, normals, where, game, kinds, detector.tile)
        lesson.complete(match, game.settings(training), "game")
    detector.eval()
    report: Report | None = None
    if selection and evidence:
        report = select(detector, normals, evidence, selection, training.seed, progress)
    detector.refine(lesson)
    generator = torch.Generator(detector.device).manual_seed(training.seed)
    if not data.parts:  # of several categories nothing is compared with a reference
        detector.fit_reference(error_maps(detector, normals, generator, progress=progress))
    if report and selection and evidence:
        sides = localising(detector, evidence, selection, generator, progress)
        detector.report = replace(report, pilots=pilots, painted=merits, localising=sides)
        detector.configure(**detector.report.chosen)
    detector.calibration = detector.calibrate(calibrating, false_alarms).calibration


def _adopt(detector: "AdvRAD", start: "AdvRAD", selection: Selection | None) -> None:
    """Take over the weights of another fit."""
    if selection and len(selection.patches) > 1:
        raise ValueError(
            f"selection.patches={selection.patches} would train other denoisers than that of "
            "start; leave one of them out"
        )
    ours, theirs = detector.denoiser.config, start.denoiser.config
    apart = [k for k in sorted(ours | theirs) if ours.get(k) != theirs.get(k)]
    if apart:
        said = ", ".join(f"{k} {theirs.get(k)} (here {ours.get(k)})" for k in apart)
        raise ValueError(
            f"the denoiser of start is another: it has {said}; give detector.denoiser and the "
            "image size its settings, or start from another run"
        )
    for mine, other in zip(detector.networks, start.networks, strict=True):
        mine.load_state_dict(other.state_dict())


def _meaningful(
    detector: "AdvRAD", selection: Selection | None, data: AnomalyData
) -> Selection | None:
    """Of several categories, leave to the selection what does not compare pixel with pixel."""
    if not data.parts:
        return selection
    if "error" in (selection.references if selection else (detector.reference,)):
        return selection and selection.model_copy(update={"references": ("error",)})
    raise ValueError(
        f"several categories ({data.name}) have no common normal error at a pixel; set "
        'detector.reference=error (in a selection have "error" among the references), or fit each '
        "category by itself, with a run of all of them as its start"
    )


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _alternating(parts: Sequence[Tensor]) -> Tensor:
    """The rows of all parts, in turns: the first of each, the second of each, ..."""
    if len(parts) == 1:
        return parts[0]
    places = [(i, p) for p, part in enumerate(parts) for i in range(len(part))]
    return torch.stack([parts[p][i] for i, p in sorted(places)])
