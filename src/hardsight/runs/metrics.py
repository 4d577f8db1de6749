"""What a fit took: the file that a finished run is known by."""

import json
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch

from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json
from hardsight.core.precision import Choice, resolve
from hardsight.runs.started import origin


class FitMetrics(NamedTuple):
    """What a fit took."""

    fit_seconds: float
    device: str
    training_precision: str
    scoring_precision: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``write_metrics`` wrote.

        Raises:
            ValueError: the file is damaged.
        """
        return read_json(path, "restore it, or fit again", cls._of)

    @classmethod
    def _of(cls, found: dict[str, Any]) -> Self:
        training, scoring = (found[f"{of}_precision"]["name"] for of in ("training", "scoring"))
        return cls(float(found["fit_seconds"]), str(found["device"]), training, scoring)


def write_metrics(
    path: Path, begun: float, device: torch.device, training: Choice, scoring: Choice = "fp32"
) -> None:
    """Write a fit's time, its device and its precisions, with why these, to ``path``.

    Args:
        path: in the run folder.
        begun: ``time.perf_counter()`` at the fit's start.
        device: that computed.
        training: the precision asked for in the training.
        scoring: that of the fitted model.
    """
    taken = {
        "fit_seconds": round(time.perf_counter() - begun, 1),
        "device": str(device),
        "training_precision": resolve(training, device)._asdict(),
        "scoring_precision": resolve(scoring, device)._asdict(),
    }
    write_atomically(path, json.dumps(taken | origin(path.parent)) + "\n")


def took(path: Path) -> dict[str, str]:
    """Return what a card says of the time, device and precision that ``write_metrics`` wrote.

    Raises:
        ValueError: the file is damaged.
    """
    found = FitMetrics.read(path)
    how = f"{found.fit_seconds:g} s on {found.device}, {found.training_precision}"
    return {"fitted in": how}
