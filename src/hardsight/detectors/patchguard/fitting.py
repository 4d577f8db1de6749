"""From normal images to a trained, chosen and calibrated PatchGuard."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from hardsight.augment import symmetries
from hardsight.core.types import Progress
from hardsight.data import AnomalyData, foreground_sheet
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.evidence import shares
from hardsight.detectors.patchguard.recipe import Adversary, Recipe
from hardsight.detectors.patchguard.selection import CheckpointChoice, choose_checkpoint
from hardsight.detectors.patchguard.task import PatchTask
from hardsight.synthesis import find_foreground
from hardsight.training import Settings, complete, write_picture

if TYPE_CHECKING:
    from hardsight.detectors.patchguard.detector import PatchGuard


def fit_patchguard(
    detector: "PatchGuard",
    data: AnomalyData,
    training: Settings,
    selection: CheckpointChoice | None,
    recipe: Recipe,
    turned: bool,
    false_alarms: float | None,
    folder: Path,
    resume: bool,
    progress: Progress,
) -> None:
    """Fit in place; see ``PatchGuard.fit``. What can be refused is refused before the training.

    Into ``folder/samples`` go a sheet of the foregrounds, to be checked by eye, and one of
    pseudo-anomalies.
    """
    normals, held_out = data.train.images(), data.validation.images()
    detector.prepare(normals[:1])
    choosing, calibrating = shares(held_out, selection is not None)
    Calibration.check(len(calibrating), false_alarms)
    evidence = selection and selection.evidence(choosing, training.seed)
    if recipe.regulariser.kind != "none":
        with torch.no_grad():  # before the training: a layer that there is not, no attention
            detector.network.with_attention(
                detector.prepare(normals[:1]), recipe.regulariser.layers
            )
    where = find_foreground(recipe.foreground, normals, recipe.foreground_weights)
    turns = symmetries(normals) if turned else ()

    def task_of(recipe: Recipe) -> PatchTask:
        return PatchTask(detector.network, normals, where, recipe, turns)

    task = task_of(recipe)
    write_picture(foreground_sheet(normals, where), folder / "samples" / "foreground.png")
    write_picture(task.sample(detector.network.eval()), folder / "samples" / "pseudo.png")

    if recipe.warm_up:
        clean = recipe.model_copy(update={"adversary": Adversary(kind="none")})
        shorter = training.model_copy(update={"steps": recipe.warm_up})
        complete(task_of(clean), shorter, folder / "warm-up", "warm-up", progress, resume)
    complete(task, training, folder, "train", progress, resume)
    detector.eval()
    if selection and evidence:
        detector.report = choose_checkpoint(
            detector, folder / "checkpoints", evidence, selection, training.seed, progress
        )
    detector.calibration = detector.calibrate(calibrating, false_alarms).calibration
