"""Categories fitted beside each other are those fitted one by one."""

import multiprocessing
import os
import signal
from itertools import pairwise

import pytest

from hardsight.config import ConfigError, load_preset
from hardsight.core.engine import Workers
from hardsight.runs import RunError, start_run
from hardsight.runs.categories import fit_runs, start_runs
from hardsight.scale.opening import open_engine
from tiny_parts import write_parts

CPU = Workers(devices=("cpu",))
SAVED = ("model.safetensors", "calibration.json", "manifest.json", "config.yaml")


def saved(folder):
    return [(folder / name).read_bytes() for name in SAVED]


@pytest.fixture(scope="module")
def config(tiny_preset, tmp_path_factory):
    root = tmp_path_factory.mktemp("set")
    for seed, name in enumerate(("nuts", "bolts", "few")):
        write_parts(root / name, seed)
    for path in sorted((root / "few/train/good").iterdir())[2:]:
        path.unlink()
    changes = {"data.path": str(root), "selection": None, "training.steps": 6}
    return load_preset(str(tiny_preset)).updated(changes)


@pytest.fixture(scope="module")
def alone(config, tmp_path_factory):
    """Fit each category by itself, and return what is saved by its name."""
    folder = tmp_path_factory.mktemp("alone")
    for name in ("nuts", "bolts"):
        start_run(folder / name, config.updated({"data.category": name})).fit("cpu")
    return {name: saved(folder / name) for name in ("nuts", "bolts")}


def test_each_category_is_the_run_of_its_own_fit(config, alone, tmp_path):
    events = []
    runs = start_runs(tmp_path, config)
    assert [run.name for run in runs] == ["bolts", "few", "nuts"]
    failed = fit_runs(runs, CPU, lambda *event: events.append(event))
    assert list(failed) == ["few"]
    assert "a fit needs at least 2 beside those" in failed["few"]
    assert {name: saved(tmp_path / name) for name in alone} == alone
    assert [e[:2] for e in events if e[1] in ("done", "failed")] == [
        (0, "done"), (1, "failed"), (2, "done"),
    ]  # fmt: skip


def test_a_fit_that_was_interrupted_goes_on_from_its_checkpoint(config, alone, tmp_path):
    def interrupt(job, stage, done, *rest):
        if (job, stage, done) == (1, "train", 5):
            raise KeyboardInterrupt

    two = config.updated({"data.category": ["bolts", "nuts"]})
    with pytest.raises(KeyboardInterrupt):
        fit_runs(start_runs(tmp_path, two), CPU, interrupt)
    with pytest.raises(RunError, match="bolts already holds a run; go on with --resume"):
        start_runs(tmp_path, two)
    bolts, nuts = start_runs(tmp_path, two, resume=True)
    assert (bolts.finished, nuts.finished) == (True, False)
    steps = []
    assert not fit_runs([nuts], CPU, lambda job, stage, done, *rest: steps.append((stage, done)))
    assert [done for stage, done in steps if stage == "train"] == [5, 6]
    assert {name: saved(tmp_path / name) for name in alone} == alone


@pytest.mark.slow
def test_two_workers_that_are_killed_once_each_fit_the_same(config, alone, tmp_path):
    steps = {0: [], 1: []}

    def kill(job, stage, done, *rest):
        if stage == "train":
            steps[job].append(done)
            if done == 5 and steps[job].count(5) == 1:
                for process in multiprocessing.active_children():
                    os.kill(process.pid, signal.SIGKILL)

    two = config.updated({"data.category": ["bolts", "nuts"]})
    with open_engine("local", 2) as engine:
        assert not fit_runs(start_runs(tmp_path, two), Workers(engine, ("cpu",)), kill)
    assert {name: saved(tmp_path / name) for name in alone} == alone
    for told in steps.values():  # a checkpoint is written every two steps
        assert all(later >= before - 1 for before, later in pairwise(told))


def test_what_has_no_categories_is_refused(config, tmp_path):
    with pytest.raises(ConfigError, match=r"rap is a classifier's.*leave --each out"):
        start_runs(tmp_path, load_preset("rap-mnist"))
    with pytest.raises(ConfigError, match=r"data\.path must name a data set of several"):
        start_runs(tmp_path, config.updated({"data.path": None}))
    one = start_runs(tmp_path, config.updated({"data.category": "nuts"}))
    assert [run.name for run in one] == ["nuts"]


def test_a_category_that_is_not_there_is_refused_before_others_are_fitted(config, tmp_path):
    with pytest.raises(ConfigError, match=r"'nutz' is not in .*did you mean 'nuts'"):
        start_runs(tmp_path, config.updated({"data.category": ["bolts", "nutz"]}))
