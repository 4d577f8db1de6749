"""Loggers of a training: TensorBoard, MLflow, Weights & Biases; one file each."""

from collections.abc import Iterable

from hardsight.training.loggers.logger import Logger, Opened, Training, package
from hardsight.training.loggers.mlflow_logger import MLflowLogger
from hardsight.training.loggers.tensorboard_logger import TensorBoardLogger
from hardsight.training.loggers.wandb_logger import WandbLogger

LOGGERS: dict[str, Opened] = {
    "tensorboard": TensorBoardLogger,
    "mlflow": MLflowLogger,
    "wandb": WandbLogger,
}
"""Name in ``training.loggers`` -> what opens it."""

__all__ = ["LOGGERS", "Logger", "Opened", "Training", "demand_loggers"]


def demand_loggers(names: Iterable[str]) -> None:
    """Refuse loggers that are not installed, before what comes first.

    Raises:
        ImportError: one is an extra, and not installed.
    """
    for name in set(names) - {"tensorboard"}:  # which comes with hardsight
        package(name)
