"""Where a run's denoiser comes from, where that is another run."""

import json
from pathlib import Path

from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json
from hardsight.core.presets import ConfigError
from hardsight.core.starts import start_folder
from hardsight.detectors.advrad.start import Start
from hardsight.detectors.methods import METHODS
from hardsight.evaluation.provenance import fingerprint

START = "start.json"


def record_start(folder: Path, start: str | None) -> None:
    """Write down from which weights the run in ``folder`` starts.

    Args:
        folder: of the run.
        start: folder of a finished run or of a saved detector, an AdvRAD or a Bastion, or the name
            of a bundled start; None: none.

    Raises:
        ValueError: ``start`` is no such folder.
        ConfigError: it is not what it was when the run began.
    """
    if start is None:
        return
    method = METHODS["bastion" if Start.read(start).part("head") else "advrad"]
    detector = method.detector.from_pretrained(start_folder(start))
    now = {"run": start, "weights": fingerprint(detector)}
    path = folder / START
    if path.is_file() and (before := _read(path)) != now:
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
    found = _read(path)
    return {"start": f"{found['run']}, weights {found['weights']}"}


def _read(path: Path) -> dict[str, str]:
    return read_json(
        path,
        "restore it, or begin anew in another folder",
        lambda found: {key: str(found[key]) for key in ("run", "weights")},
    )
