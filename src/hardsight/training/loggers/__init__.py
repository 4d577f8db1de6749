"""Loggers of a training: TensorBoard, MLflow, Weights & Biases; one file each."""

from hardsight.training.loggers.logger import Logger, Opened, Training
from hardsight.training.loggers.mlflow_logger import MLflowLogger
from hardsight.training.loggers.tensorboard_logger import TensorBoardLogger
from hardsight.training.loggers.wandb_logger import WandbLogger

LOGGERS: dict[str, Opened] = {
    "tensorboard": TensorBoardLogger,
    "mlflow": MLflowLogger,
    "wandb": WandbLogger,
}
"""Name in ``training.loggers`` -> what opens it."""

__all__ = ["LOGGERS", "Logger", "Opened", "Training"]
