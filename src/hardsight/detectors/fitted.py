"""What every fit is given to work with, and what it returns."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from torch import Tensor

from hardsight.core.files import working_folder
from hardsight.core.progress import Progress, quiet
from hardsight.data import AnomalyData
from hardsight.detectors.calibration import Calibration
from hardsight.detectors.fit_report import Report
from hardsight.training import Settings, Task, complete

D = TypeVar("D")


def demand_normals(normals: Tensor, data: AnomalyData) -> Tensor:
    """Return training images (N, ...) of ``data`` if there are at least two.

    Raises:
        ValueError: there are fewer.
    """
    if len(normals) < 2:
        raise ValueError(
            f"{data.name} has {len(normals)} training images beside {len(data.validation)} held "
            "out; a fit needs at least 2, to know how normal images differ: give more"
        )
    return normals


@dataclass(frozen=True)
class Fitted(Generic[D]):
    """A fit's result. The detector that was given to the fit is left as it was."""

    detector: D
    """Trained, chosen and calibrated."""
    calibration: Calibration
    """Its threshold."""
    report: Report | None = None
    """What was chosen on validation data; None where nothing was."""


@dataclass(frozen=True)
class Work:
    """Where and how a fit works: nothing here changes its result."""

    folder: Path | None = None
    """For checkpoints, logs and samples; None: a temporary one."""
    resume: bool = False
    """Go on from the last checkpoints in ``folder``."""
    progress: Progress = quiet
    """Told of every step."""

    @contextmanager
    def opened(self) -> Iterator["OpenWork"]:
        """Yield the work with a folder that is there; a temporary one is gone afterwards."""
        with working_folder(self.folder) as folder:
            yield OpenWork(folder, self.resume, self.progress)


@dataclass(frozen=True)
class OpenWork:
    """Work with a folder of its own, inside ``Work.opened``."""

    folder: Path
    resume: bool
    progress: Progress

    def train(self, task: Task, settings: Settings, stage: str = "train") -> None:
        """Train a task to its last step, in a subfolder of the stage's name but for "train".

        Raises:
            KeyboardInterrupt, ValueError: as ``complete``.
        """
        place = self.folder if stage == "train" else self.folder / stage
        complete(task, settings, place, stage, self.progress, self.resume)
