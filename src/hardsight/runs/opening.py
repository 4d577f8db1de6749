"""Opening and starting run folders, of either kind."""

import shutil
import weakref
from functools import partial
from pathlib import Path
from typing import Any

from hardsight.config import ClassifierConfig, Config, DetectorConfig, anchored
from hardsight.config.classification import PurifiedNetwork
from hardsight.config.places import places_of
from hardsight.core.lock import locked
from hardsight.core.outputs import check_folder
from hardsight.core.run_folders import CONFIG, RunError, check_run
from hardsight.core.words import quoted
from hardsight.data.places import exists
from hardsight.export import Exported
from hardsight.runs.beginnings import is_begun, remove_beginnings
from hardsight.runs.bundles.opening import unpack
from hardsight.runs.classifier import ClassifierRun
from hardsight.runs.detector import DetectorRun


def open_run(path: str | Path, public_key: Path | None = None) -> DetectorRun | ClassifierRun:
    """Open a run folder, or the bundle of one: checked, and unpacked for as long as it is used.

    Args:
        path: of the folder or the bundle.
        public_key: that a bundle must be signed for, see ``unpack``.

    Raises:
        RunError: it is none.
        BundleError: a bundle that is truncated, changed, or not signed as it must be.
        ConfigError: its configuration is damaged.
    """
    path = Path(path)
    check_run(path)
    if path.is_file():
        return _unpacked(path, public_key)
    return _run(path, Config.read(path / CONFIG))


def open_detector_run(path: str | Path, public_key: Path | None = None) -> DetectorRun:
    """Open the run folder, or the bundle, of a detector; see ``open_run``.

    Raises:
        RunError: it is that of a classifier, or none.
    """
    run = open_run(path, public_key)
    if isinstance(run, ClassifierRun):
        raise RunError(
            f"{path} holds a classifier ({run.config.method}), and this is for anomaly detectors; "
            f"use hardsight evaluate, audit or certify {quoted(path)}"
        )
    return run


def open_classifier_run(path: str | Path) -> ClassifierRun:
    """Open the run folder of a classifier.

    Raises:
        RunError: it is that of a detector, or none.
    """
    run = open_run(path)
    if isinstance(run, DetectorRun):
        raise RunError(
            f"{path} holds an anomaly detector ({run.config.method}), and this is for classifiers; "
            "name the run of one"
        )
    return run


def start_run(
    path: str | Path, config: Config, resume: bool = False
) -> DetectorRun | ClassifierRun:
    """Make the folder of a new run, or go on with one that was interrupted.

    A data set that lies elsewhere now is no other one: a fit holds it against the manifest.

    Raises:
        RunError: the folder holds a run and ``resume`` is false, a run with other settings, or an
            export.
        FolderInUseError: another process writes there.
    """
    path, config = Path(path), anchored(config)
    check_folder(path, "--run")
    if Exported.is_at(path):
        raise RunError(f"{path} holds an export, and no run to go on with; name another folder")
    with locked(path):
        if is_begun(path):
            if not resume:
                raise RunError(
                    f"{path} already holds a run; go on with --resume, or name another folder"
                )
            _refuse_changes(path, open_run(path).config, config)
        elif (path / CONFIG).exists():  # killed, and tried again: its data may be others
            remove_beginnings(path)
        config.write(path / CONFIG)
    return _run(path, config)


def _refuse_changes(path: Path, recorded: Config, asked: Config) -> None:
    """Refuse to go on with a run under settings that would make it another one."""
    changed = recorded.differences(asked)
    for key in places_of(recorded):
        old, _ = changed.get(key, (None, None))
        if key.startswith("data.") and old is not None and not exists(old):
            del changed[key]
    if not changed:
        return
    each = (f"{key} is {was!r} there, not {now!r}" for key, (was, now) in changed.items())
    again = f"hardsight fit --resume --run {quoted(path)}"
    ways = [f"go on as it began with {again}", "name another folder"]
    before, now = changed.get("training.steps", (0, 0))
    if (
        isinstance(asked, DetectorConfig)
        and "start" in type(asked.fit).model_fields
        and now > before
    ):
        more = f"--start {quoted(path)} --steps {now - before} --run ANOTHER"
        ways.append(f"train its denoiser on with {more}")
    said = "; ".join(each)
    raise RunError(f"{path} holds a run with other settings: {said}. Either {', or '.join(ways)}")


def _unpacked(bundle: Path, public_key: Path | None) -> DetectorRun:
    """Open a bundle, whose folder is removed once the run is not used any more."""
    folder = unpack(bundle, public_key)
    try:
        config = Config.read(folder / CONFIG)
        if not isinstance(config, DetectorConfig):
            raise RunError(f"{bundle} holds a classifier, and bundles are of anomaly detectors")
    except BaseException:
        shutil.rmtree(folder)
        raise
    run = DetectorRun(folder, config, bundle)
    weakref.finalize(run, shutil.rmtree, folder, ignore_errors=True)
    return run


def _run(path: Path, config: Config) -> DetectorRun | ClassifierRun:
    if isinstance(config, DetectorConfig):
        return DetectorRun(path, config)
    assert isinstance(config, ClassifierConfig)
    other = config.classifier.run if isinstance(config.classifier, PurifiedNetwork) else None
    return ClassifierRun(path, config, partial(_classifier_of, other) if other else None)


def _classifier_of(path: str) -> Any:
    """Load another run's classifier, on the CPU."""
    return open_classifier_run(path).classifier("cpu")
