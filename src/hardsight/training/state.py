"""A run between two steps: all that a checkpoint holds."""

import math
from pathlib import Path

import torch
from torch import nn

from hardsight.core.explained import ExplainedError
from hardsight.core.precision import Precision
from hardsight.training import checkpoint
from hardsight.training.checkpoint import CheckpointError
from hardsight.training.ema import Ema
from hardsight.training.settings import Settings


class TrainingError(ExplainedError):
    """The loss or the weights are no longer finite; the message says what stands."""


class RunState:
    """The weights, their average, the optimiser's state and the counters of a run.

    Args:
        settings: Of the run.
        folder: Of the checkpoints.
        module: What is trained; on its device.
        optimizer: Its optimiser.
        precision: In which it begins.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        precision: Precision,
    ) -> None:
        self.settings = settings
        self.precision = precision
        self.folder = folder
        self.module = module
        self.optimizer = optimizer
        self.ema = Ema(module, settings.ema_decay)
        self.step = 0
        self.seconds = 0.0
        self._losses: list[float] = []
        self._good: Path | None = None

    def restore(self) -> None:
        """Go on from the latest readable checkpoint, if the folder has any checkpoint.

        Raises:
            CheckpointError: none can be read, or it does not fit the module.
            ValueError: it was written under other settings.
        """
        last = checkpoint.latest(self.folder)
        if last is None:
            if checkpoint.exists(self.folder):
                raise CheckpointError(
                    f"no checkpoint in {self.folder} can be read; start again in another folder"
                )
            return
        if changed := self.settings.differences(last.info["settings"]):
            was = {k: last.info["settings"].get(k) for k in changed}
            raise ValueError(
                f"settings differ from those of the run in {self.folder}, which had {was}; "
                "resume with those, or start a new run in another folder"
            )
        checkpoint.load_into(self.module, last.part("model"), last.path)
        checkpoint.load_into(self.ema.module, last.part("ema"), last.path)
        checkpoint.load_optimizer(self.optimizer, last.part("optimizer"))
        self.step, self.seconds = last.step, last.info["seconds"]
        self._losses, self._good = last.info["losses"], last.path
        if self.settings.precision == "auto":
            self.precision = Precision(**last.info["precision"])

    def advance(self, loss: float, seconds: float) -> None:
        """Count a step of the optimiser, and move the average.

        Args:
            loss: Of the step.
            seconds: Spent on the run so far.

        Raises:
            TrainingError: the loss is not finite.
        """
        if not math.isfinite(loss):
            raise TrainingError(self._diverged(f"the loss is {loss}"))
        self.step += 1
        self.seconds = seconds
        self.ema.update(self.module, self.step)
        self._losses.append(loss)

    def mean_loss(self) -> float:
        """Return the mean loss since the last call."""
        mean = sum(self._losses) / len(self._losses)
        self._losses = []
        return mean

    def save(self, write: bool = True) -> None:
        """Write a checkpoint; with ``write`` false only check that it would be worth one.

        Raises:
            TrainingError: weights are not finite. Nothing is written.
            CheckpointError: it could not be written.
        """
        for name, value in self.module.named_parameters():
            if not bool(torch.isfinite(value).all()):
                raise TrainingError(self._diverged(f"the weights {name} are not finite"))
        if not write:
            return
        tensors = {f"model.{k}": v for k, v in self.module.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.module.state_dict().items()}
        state = checkpoint.optimizer_tensors(self.optimizer)
        tensors |= {f"optimizer.{k}": v for k, v in state.items()}
        info = {
            "settings": self.settings.model_dump(mode="json"),
            "seconds": self.seconds,
            "losses": self._losses,
            "precision": self.precision._asdict(),
        }
        self._good = checkpoint.save(self.folder, self.step, tensors, info)

    def _diverged(self, what: str) -> str:
        stands = f"the checkpoint {self._good} stands" if self._good else "none was saved yet"
        return (
            f"{what} at step {self.step + 1} of {self.settings.steps}; {stands}. Lower lr "
            f"(now {self.settings.lr:g}), set gradient_clip, or use precision='32-true'."
        )
