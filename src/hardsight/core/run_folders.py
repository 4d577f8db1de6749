"""Whether a path is a run folder, told without what its run is made of, which imports torch."""

import zipfile
from pathlib import Path

from hardsight.core.near import near_names, subfolders
from hardsight.core.words import listed, quoted

CONFIG = "config.yaml"
EXPORTED = "exported"
"""Folder of the export that ``hardsight export`` writes into a run."""


class RunError(ValueError):
    """A run folder that cannot be used as asked; the message says the way out."""


class BundleError(ValueError):
    """A bundle that cannot be used; the message says why."""


def is_run(path: Path) -> bool:
    """Tell whether a path is a run folder, an export, or named as a bundle is."""
    return (path / CONFIG).is_file() or (path.is_file() and path.suffix == ".hsb")


def leads_to_run(path: Path) -> bool:
    """Tell whether a path is a run, or a folder of runs."""
    return is_run(path) or any(map(is_run, subfolders(path)))


def check_run(path: Path) -> None:
    """Refuse what is no run folder, and no file that may be the bundle of one.

    Raises:
        RunError: saying what it lacks, and where one may be.
        BundleError: a file that is no bundle.
    """
    if path.is_file():
        check_bundle(path)
    elif not is_run(path):
        raise RunError(f"{path} is not a run folder: {_lacking(path)}")


def check_bundle(path: Path) -> None:
    """Refuse what is no zip file, as a bundle is one.

    Raises:
        FileNotFoundError: there is no such file; the message says where one may be.
        BundleError: it is a file of another kind, or truncated.
    """
    if not path.is_file():
        made = "make one of a run with: hardsight bundle RUN -o PATH.hsb"
        way_out = f" is a folder; {made}" if path.is_dir() else near_names(path, made, is_run)
        raise FileNotFoundError(f"no such bundle: {path}{way_out}")
    if not zipfile.is_zipfile(path):
        raise BundleError(f"{path} is no bundle, or is truncated (it is no zip file)")


def _lacking(path: Path) -> str:
    """Return what a path lacks to be a run folder, and where one may be."""
    if not path.is_dir():
        made = f"make one with: hardsight fit --run {quoted(path)}"
        if path.name == EXPORTED and is_run(path.parent):
            made = f"make it with: hardsight export {quoted(path.parent)}"
        return f"it does not exist{near_names(path, made, leads_to_run)}"
    below = [str(folder) for folder in subfolders(path) if is_run(folder)]
    if below:
        return f"it has no {CONFIG}; choose one of the runs in it: {listed(below)}"
    return f"it has no {CONFIG}; make one with: hardsight fit"
