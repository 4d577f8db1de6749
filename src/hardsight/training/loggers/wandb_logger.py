"""Weights & Biases (extra ``wandb``): on this disk, unless ``WANDB_MODE`` says otherwise."""

import os
import secrets
from collections.abc import Mapping

from torch import Tensor

from hardsight.training.loggers.logger import Training, package

PROJECT = "hardsight"
RUN = "wandb-run.txt"
"""Keeps the run's name there, so that a resumed training goes on with it."""


class WandbLogger:
    """Writes ``wandb/`` below the training's folder; nothing is sent unless it is asked for.

    ``WANDB_MODE=online`` sends it, ``wandb sync`` does so later. ``WANDB_PROJECT`` names the
    project; by default it is ``hardsight``.

    Raises:
        ImportError: the extra is not installed.
    """

    def __init__(self, training: Training) -> None:
        self._wandb = package("wandb")
        kept = training.folder / RUN
        if not kept.is_file():
            kept.write_text(secrets.token_hex(4), "utf-8")
        self._run = self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=training.folder.parent.name,
            dir=training.folder,
            id=kept.read_text("utf-8"),
            resume="allow",
            mode=os.environ.get("WANDB_MODE", "offline"),
            config=dict(training.settings),
            settings=self._wandb.Settings(silent=True),
        )

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show values by their names."""
        self._run.log(dict(values), step=step)

    def picture(self, image: Tensor, step: int) -> None:
        """Show (3, H, W) in [0, 1]."""
        pixels = image.movedim(0, -1).clamp(0, 1).numpy()
        self._run.log({"sample": self._wandb.Image(pixels)}, step=step)

    def close(self) -> None:
        """Write what is left, and end the run."""
        self._run.finish()
