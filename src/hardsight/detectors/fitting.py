"""From normal images to a trained, chosen and calibrated AdvRAD."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from hardsight.data import AnomalyData, find_foreground, symmetries
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.evidence import shares
from hardsight.detectors.game import Game, GameTask
from hardsight.detectors.pilots import choose_patch
from hardsight.detectors.selection import Selection, select
from hardsight.training import DenoisingTask, Settings, complete
from hardsight.types import Progress

if TYPE_CHECKING:
    from hardsight.detectors.advrad import AdvRAD


def fit_advrad(
    detector: "AdvRAD",
    data: AnomalyData,
    training: Settings,
    selection: Selection | None,
    game: Game | None,
    turned: bool,
    false_alarms: float | None,
    folder: Path,
    resume: bool,
    progress: Progress,
) -> None:
    """Fit in place; see ``AdvRAD.fit``. What can be refused is refused before the training."""
    normals, held_out = data.train.images(), data.validation.images()
    detector.prepare(normals[:1])
    choosing, calibrating = shares(held_out, selection is not None)
    Calibration.check(len(calibrating), false_alarms)
    evidence = selection and selection.evidence(choosing, training.seed)
    turns = symmetries(normals) if turned else ()
    pilots: dict[int, float] = {}
    if selection and evidence and len(selection.patches) > 1:
        pilots = choose_patch(
            detector, normals, turns, evidence, selection, training, folder, progress
        )

    task = DenoisingTask(detector.denoiser, normals, turns, detector.k, detector.tile)
    complete(task, training, folder, "train", progress, resume)
    if game is not None:
        where = find_foreground(game.foreground, normals)
        match = GameTask(detector.denoiser, normals, where, game, turns, detector.tile)
        complete(match, game.settings(training), folder / "game", "game", progress, resume)
    detector.eval()
    if selection and evidence:
        report = select(detector, normals, evidence, selection, training.seed, progress)
        detector.report = replace(report, pilots=pilots)
    generator = torch.Generator(detector.device).manual_seed(training.seed)
    detector.fit_reference(detector.error_maps(normals, generator, progress=progress))
    detector.calibrate(calibrating, false_alarms, generator)
