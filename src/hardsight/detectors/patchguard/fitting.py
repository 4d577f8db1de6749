"""From normal images to a trained, chosen and calibrated PatchGuard."""

import copy

import torch
from torch import Tensor

from hardsight.augment import symmetries
from hardsight.core.modules import in_mode
from hardsight.data import AnomalyData, foreground_sheet
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.fitted import Fitted, OpenWork, Work, demand_normals
from hardsight.detectors.fitting import calibrated
from hardsight.detectors.held_out import validation_shares
from hardsight.detectors.patchguard.choice import choose_checkpoint
from hardsight.detectors.patchguard.contract import P, PatchDetector
from hardsight.detectors.patchguard.recipe import Adversary, PatchGuardFit, Recipe
from hardsight.detectors.patchguard.selection import CheckpointReport
from hardsight.detectors.patchguard.task import PatchTask
from hardsight.synthesis import find_foreground
from hardsight.training import write_picture


def fit_patchguard(detector: P, data: AnomalyData, config: PatchGuardFit, work: Work) -> Fitted[P]:
    """Train on normal images, choose a checkpoint, and calibrate the threshold (PatchGuard).

    Only ``data.train`` and ``data.validation`` are used. With a selection, one half of the
    validation normals serves it and the other calibrates. What can be refused is refused before the
    training. Into ``samples`` of the work's folder go a sheet of the foregrounds, to be checked by
    eye, and one of pseudo-anomalies.

    Args:
        detector: left as it is.
        data: at the detector's ``image_size``.
        config: how.
        work: where.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
        ValueError: images of another size, a single one, or too few for the false-alarm rate.
    """
    found, selection, seed = copy.deepcopy(detector), config.selection, config.training.seed
    normals = demand_normals(data.train.images(), data)
    choosing, calibrating = validation_shares(data, config.splits_validation)
    Calibration.check(len(calibrating), config.false_alarms)
    evidence = None if selection is None else selection.evidence(choosing, seed)
    demand_attention(found, normals, config.recipe)
    report: CheckpointReport | None = None
    with work.opened() as opened:
        train_network(found, normals, config, opened)
        found.eval()
        if selection is not None and evidence is not None:
            checkpoints = opened.folder / "checkpoints"
            found, report = choose_checkpoint(
                found, checkpoints, evidence, selection, seed, opened.progress
            )
    return calibrated(found, calibrating, data, config, report)


def train_network(
    detector: PatchDetector, normals: Tensor, config: PatchGuardFit, work: OpenWork
) -> None:
    """Train the detector's network in place: clean for the warm-up, then as the recipe says.

    Args:
        detector: with an untrained network.
        normals: (N, 3, H, W) uint8.
        config: recipe and training.
        work: where.
    """
    recipe, network = config.recipe, detector.network
    where = find_foreground(recipe.foreground, normals, recipe.foreground_weights)
    turns = symmetries(normals) if config.augment == "auto" else ()
    task = PatchTask(network, normals, where, recipe, turns)
    samples = work.folder / "samples"
    write_picture(foreground_sheet(normals, where), samples / "foreground.png")
    write_picture(task.sample(network.eval()), samples / "pseudo.png")
    if recipe.warm_up:
        clean = recipe.model_copy(update={"adversary": Adversary(kind="none")})
        shorter = config.training.model_copy(update={"steps": recipe.warm_up})
        work.train(PatchTask(network, normals, where, clean, turns), shorter, "warm-up")
    work.train(task, config.training)


@torch.no_grad()
def demand_attention(detector: PatchDetector, normals: Tensor, recipe: Recipe) -> None:
    """Refuse a regulariser of layers that the network does not have, and images it does not take.

    Raises:
        ValueError: no attention, no such layer, or images of another size.
    """
    x = detector.prepare(normals[:1])
    if recipe.regulariser.kind != "none":
        with in_mode("eval", detector.network):  # dropout would draw from the global generator
            detector.network.with_attention(x, recipe.regulariser.layers)
