"""Training: one loop, checkpoints that survive, and logs."""

from hardsight.training.checkpoint import CheckpointError
from hardsight.training.denoising import DenoisingTask
from hardsight.training.logs import Record
from hardsight.training.loop import (
    SamplingTask,
    Task,
    TrainResult,
    complete,
    train,
    write_picture,
)
from hardsight.training.settings import Settings
from hardsight.training.state import TrainingError

__all__ = [
    "CheckpointError",
    "DenoisingTask",
    "Record",
    "SamplingTask",
    "Settings",
    "Task",
    "TrainResult",
    "TrainingError",
    "complete",
    "train",
    "write_picture",
]
