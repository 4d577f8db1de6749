"""Where a run's denoiser comes from, where that is another run."""

import json
from pathlib import Path

from hardsight.config.config import ConfigError
from hardsight.core.files import write_atomically
from hardsight.detectors import SavedDetector
from hardsight.evaluation.provenance import fingerprint

START = "start.json"


def record_start(folder: Path, start: str | None, method: type[SavedDetector]) -> None:
    """Write down from which weights the run in ``folder``, of ``method``, starts.

    Raises:
        ConfigError: ``start`` is no finished run, or not what it was when the run began.
    """
    if start is None:
        return
    if not (Path(start) / "metrics.json").is_file() or not (Path(start) / "config.json").is_file():
        raise ConfigError(f"start={start!r} is not the folder of a finished run of a detector")
    now = {"run": start, "weights": fingerprint(method.from_pretrained(start))}
    path = folder / START
    if path.is_file() and (before := json.loads(path.read_text("utf-8"))) != now:
        raise ConfigError(
            f"start={start!r} now has the weights {now['weights']}, and the run in {folder} began "
            f"from {before['weights']}; begin anew in another folder"
        )
    write_atomically(path, json.dumps(now) + "\n")


def origin(folder: Path) -> dict[str, str]:
    """Return what a report says about the start of the run in ``folder``; empty for none."""
    path = folder / START
    if not path.is_file():
        return {}
    found = json.loads(path.read_text("utf-8"))
    return {"start": f"{found['run']}, weights {found['weights']}"}
