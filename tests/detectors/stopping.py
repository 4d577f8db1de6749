"""A fit that is stopped on its way."""

import pytest


class StopError(Exception):
    """What stops it."""


def stop_at(step: int, stage: str = "train"):
    """Return a progress that stops the fit once a step of a stage is done."""

    def progress(name, done, total, info=""):
        if name == stage and done == step:
            raise StopError

    return progress


def fit_until(run, step: int) -> None:
    """Fit a run on the CPU, and stop it once a step of its training is done."""
    with pytest.raises(StopError):
        run.fit("cpu", progress=stop_at(step))
