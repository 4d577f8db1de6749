"""MLflow (extra ``mlflow``): a local database, or the server that ``MLFLOW_TRACKING_URI`` names."""

import os
from collections.abc import Mapping

from torch import Tensor

from hardsight.training.loggers.logger import Training, package

EXPERIMENT, DATABASE = "hardsight", "mlflow.db"
RUN = "mlflow-run.txt"
"""Keeps MLflow's name of the run, so that a resumed training goes on with it."""


class MLflowLogger:
    """Writes to the server, or to ``mlflow.db`` and ``mlflow/`` in the training's folder.

    ``MLFLOW_EXPERIMENT_NAME`` names the experiment; by default it is ``hardsight``. MLflow keeps
    the values of a session that was lost beside those of the session that repeats its steps.

    Raises:
        ImportError: the extra is not installed.
    """

    def __init__(self, training: Training) -> None:
        mlflow = package("mlflow")
        place, folder = os.environ.get("MLFLOW_TRACKING_URI"), training.folder.resolve()
        self._client = mlflow.MlflowClient(place or f"sqlite:///{folder / DATABASE}")
        kept = folder / RUN
        if kept.is_file():
            self._run = kept.read_text("utf-8")
            self._client.update_run(self._run, "RUNNING")
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        known = self._client.get_experiment_by_name(name)
        artifacts = None if place else (folder / "mlflow").as_uri()
        experiment = (
            known.experiment_id if known else self._client.create_experiment(name, artifacts)
        )
        begun = self._client.create_run(experiment, run_name=folder.parent.name)
        self._run = begun.info.run_id
        kept.write_text(self._run, "utf-8")
        for key, value in training.settings.items():
            self._client.log_param(self._run, key, value)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show values by their names."""
        for name, value in values.items():
            self._client.log_metric(self._run, name, value, step=step)

    def picture(self, image: Tensor, step: int) -> None:
        """Show (3, H, W) in [0, 1]."""
        pixels = image.movedim(0, -1).clamp(0, 1).numpy()
        self._client.log_image(self._run, pixels, key="sample", step=step)

    def close(self) -> None:
        """Mark the run as finished."""
        self._client.set_terminated(self._run)
