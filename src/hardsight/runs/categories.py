"""The categories of a data set, each fitted in a run folder of its own."""

from collections.abc import Sequence
from pathlib import Path

from hardsight.config import Config, ConfigError, DetectorConfig
from hardsight.config.data import several
from hardsight.core.engine import Tell, Workers
from hardsight.core.suggestions import choices
from hardsight.data import categories
from hardsight.data.places import below, exists
from hardsight.runs.beginnings import discard_beginnings
from hardsight.runs.detector import DetectorRun
from hardsight.runs.opening import open_run, start_run
from hardsight.runs.trying import Watch, try_each


def start_runs(folder: Path, config: Config, resume: bool = False) -> list[DetectorRun]:
    """Make a run folder for each category, or go on with those that were interrupted.

    Args:
        folder: below which they lie, by the names of the categories.
        config: of all of them; it names the categories, or none for all that its data set has.
        resume: see ``start_run``.

    Raises:
        ConfigError: of a classifier, or of data without categories.
        RunError: a folder holds a run and ``resume`` is false, or a run with other settings.
    """
    found = []
    for name in _categories(config):
        run = start_run(folder / name, config.updated({"data.category": name}), resume)
        assert isinstance(run, DetectorRun)
        found.append(run)
    return found


def fit_runs(
    runs: Sequence[DetectorRun], workers: Workers, watch: Watch, allow_data_change: bool = False
) -> dict[str, str]:
    """Fit runs as each would be by itself; one that fails stops no other.

    The folder of one in which nothing was trained is removed. A fit whose worker dies is begun
    again by another, from its last checkpoint.

    Args:
        runs: not finished.
        workers: by whom.
        watch: is told of every step, by the place of the run.
        allow_data_change: see ``DetectorRun.fit``.

    Returns:
        The name of each run that could not be fitted -> why.
    """
    jobs = [(run.path, workers.device(k), allow_data_change) for k, run in enumerate(runs)]
    ended = try_each(_fit, jobs, workers.engine, watch)
    try:
        return {runs[k].name: why for k, why in ended if why is not None}
    finally:
        for run in runs:
            discard_beginnings(run.path)


def _categories(config: Config) -> tuple[str, ...]:
    """Return the names of the categories that are to be fitted."""
    if not isinstance(config, DetectorConfig):
        raise ConfigError(
            f"method {config.method} is a classifier's, and categories are of detectors; leave "
            "--each out"
        )
    place = config.data
    if not place.path or place.normal_dir:
        raise ConfigError("data.path must name a data set of several categories: --data DIR")
    if place.category is None:
        return tuple(categories(place.path))
    names = several(place) or (str(place.category),)
    for name in names:
        if not exists(below(place.path, name)):
            _demand_known(name, place.path)
    return names


def _demand_known(name: str, path: str) -> None:
    """Refuse a category that a data set does not have, before others are fitted."""
    known = categories(path)
    if name not in known:
        raise ConfigError(f"data.category={name!r} is not in {path}; {choices(name, known)}")


def _fit(job: tuple[Path, str, bool], tell: Tell) -> None:
    path, device, allow_data_change = job
    run = open_run(path)
    if not run.finished:  # by a worker that died before it could say so
        run.fit(device, allow_data_change, tell)
