"""Stages of training that one run takes over from another."""

import shutil

from hardsight.runs import DetectorRun


def take_over(run: DetectorRun, other: DetectorRun, *but: str) -> None:
    """Copy the stages of another run's training, except the map head's and those named."""
    own = shutil.ignore_patterns("map-head*", *but)
    shutil.copytree(other.path / "training", run.path / "training", ignore=own, dirs_exist_ok=True)
