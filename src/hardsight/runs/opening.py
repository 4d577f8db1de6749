"""Opening and starting run folders, of either kind."""

import shutil
import weakref
from functools import partial
from pathlib import Path
from typing import Any

from hardsight.config import ClassifierConfig, Config, DetectorConfig, anchored
from hardsight.config.classification import PurifiedNetwork
from hardsight.core.lock import locked
from hardsight.core.outputs import check_folder
from hardsight.data.files import listed, near_names, subfolders
from hardsight.data.places import exists
from hardsight.export import Exported
from hardsight.runs.beginnings import is_begun, remove_beginnings
from hardsight.runs.bundles.opening import unpack
from hardsight.runs.classifier import ClassifierRun
from hardsight.runs.detector import DetectorRun
from hardsight.runs.folder import CONFIG, EXPORTED, RunError


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
    if path.is_file():
        return _unpacked(path, public_key)
    if not is_run(path):
        raise RunError(f"{path} is not a run folder: {_lacking(path)}")
    return _run(path, Config.read(path / CONFIG))


def is_run(path: Path) -> bool:
    """Tell whether a path is a run folder, an export, or named as a bundle is."""
    return (path / CONFIG).is_file() or (path.is_file() and path.suffix == ".hsb")


def _lacking(path: Path) -> str:
    """Return what a path lacks to be a run folder, and where one may be."""
    if not path.is_dir():
        made = f"make one with: hardsight fit --run {path}"
        if path.name == EXPORTED and is_run(path.parent):
            made = f"make it with: hardsight export {path.parent}"
        return f"it does not exist{near_names(path, made)}"
    below = [str(folder) for folder in subfolders(path) if is_run(folder)]
    if below:
        return f"it has no {CONFIG}; choose one of the runs in it: {listed(below)}"
    return f"it has no {CONFIG}; make one with: hardsight fit"


def open_detector_run(path: str | Path, public_key: Path | None = None) -> DetectorRun:
    """Open the run folder, or the bundle, of a detector; see ``open_run``.

    Raises:
        RunError: it is that of a classifier, or none.
    """
    run = open_run(path, public_key)
    if isinstance(run, ClassifierRun):
        raise RunError(
            f"{path} holds a classifier ({run.config.method}), and this is for anomaly detectors; "
            f"use hardsight evaluate, audit or certify {path}"
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
    old, _ = changed.get("data.path", (None, None))
    if old is not None and not exists(old):
        del changed["data.path"]
    if not changed:
        return
    each = (f"{key} is {was!r} there, not {now!r}" for key, (was, now) in changed.items())
    ways = [f"go on as it began with hardsight fit --resume --run {path}", "name another folder"]
    before, now = changed.get("training.steps", (0, 0))
    if (
        isinstance(asked, DetectorConfig)
        and "start" in type(asked.fit).model_fields
        and now > before
    ):
        more = f"--start {path} --steps {now - before} --run ANOTHER"
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
