"""From normal images to a trained, chosen and calibrated AdvRAD."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from hardsight.data import AnomalyData, find_foreground, symmetries
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.game import Game, GameTask
from hardsight.detectors.pilots import choose_patch
from hardsight.detectors.selection import Selection, select
from hardsight.training import DenoisingTask, Record, Settings, train
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
    calibrating = held_out if selection is None else held_out[1::2]
    Calibration.check(len(calibrating), false_alarms)
    evidence = selection and selection.evidence(held_out[::2], training.seed)
    turns = symmetries(normals) if turned else ()
    pilots: dict[int, float] = {}
    if selection and evidence and len(selection.patches) > 1:
        pilots = choose_patch(
            detector, normals, turns, evidence, selection, training, folder, progress
        )

    def tell(record: Record) -> None:
        progress("train", record.step, training.steps, f"loss {record.loss:.4f}")

    task = DenoisingTask(detector.denoiser, normals, turns, detector.k)
    done = train(task, training, folder, resume=resume, on_step=tell)
    if game is not None and not done.interrupted:
        where = find_foreground(game.foreground, normals)
        match = GameTask(detector.denoiser, normals, where, game, turns)
        played = game.settings(training)
        done = train(
            match,
            played,
            folder / "game",
            resume=resume,
            on_step=lambda r: progress("game", r.step, played.steps, f"loss {r.loss:.4f}"),
        )
    if done.interrupted:
        raise KeyboardInterrupt
    detector.eval()
    if selection and evidence:
        report = select(detector, normals, evidence, selection, training.seed, progress)
        detector.report = replace(report, pilots=pilots)
    generator = torch.Generator(detector.device).manual_seed(training.seed)
    detector.fit_reference(detector.error_maps(normals, generator, progress=progress))
    detector.calibrate(calibrating, false_alarms, generator)
