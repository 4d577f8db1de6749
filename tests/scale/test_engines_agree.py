"""Whoever computes, the numbers are the same to the bit."""

import os
import re
import sys
import time
from pathlib import Path

import pytest
from counting import Squares, megabytes
from measured import attacked, certified, precision

from hardsight.core.engine import EngineError
from hardsight.core.precision import _FASTEST, Precision
from hardsight.evaluation import Execution
from hardsight.scale.opening import open_engine
from hardsight.scale.pool import Pool
from hardsight.scale.ray_actors import RayActors


@pytest.fixture(scope="module")
def alone():
    return attacked(Execution()), certified(Execution())


@pytest.fixture(scope="module")
def cluster():
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with pytest.MonkeyPatch.context() as patch:  # actors import this folder's files
        patch.setenv("PYTHONPATH", os.pathsep.join([*sys.path, str(Path(__file__).parent)]))
        with Pool(RayActors(size=2)) as pool:
            yield pool


def test_two_processes_find_what_one_finds(alone, tmp_path, monkeypatch):
    found_here = Precision("bf16", "found where the work is given out")
    monkeypatch.setitem(_FASTEST, "cpu", found_here)
    with open_engine("local", 2) as engine:
        assert [found for _, found in engine.run(precision, range(2))] == [found_here] * 2
        execution = Execution(tmp_path, engine=engine)
        assert (attacked(execution), certified(execution)) == alone
    assert len(list(tmp_path.rglob("*.safetensors"))) == 4 + 7


def test_two_actors_find_what_one_process_finds(alone, cluster):
    execution = Execution(engine=cluster)
    assert (attacked(execution), certified(execution)) == alone


def test_three_killed_actors_lose_nothing_and_repeat_only_what_they_were_at(cluster, tmp_path):
    events = []
    work = Squares(tmp_path, deadly=(1, 3, 4))
    found = dict(cluster.run(work, range(6), lambda *event: events.append(event)))
    assert found == {i: i * i for i in range(6)}
    assert [work.attempts(i) for i in range(6)] == [1, 2, 1, 2, 2, 1]
    assert set(events) <= {(i, "began", i) for i in range(6)}


def test_the_object_store_lets_go_of_results(cluster):
    from ray._private.internal_api import memory_summary

    def held():
        told = memory_summary(stats_only=True)
        return int(re.search(r"Plasma memory usage (\d+) MiB", told)[1])

    assert sum(len(result) for _, result in cluster.run(megabytes, range(20))) == 80 * 2**20
    until = time.monotonic() + 20
    while held() > 4 * cluster.workers:  # Ray frees what nobody refers to once a second
        assert time.monotonic() < until, f"{held()} MiB are held of 80"
        time.sleep(0.2)


def test_an_address_without_a_cluster_is_explained():
    pytest.importorskip("ray", reason="the extra ray is not installed")
    for address, why in {"127.0.0.1:1": "refused", "nowhere": "must read HOST:PORT"}.items():
        with pytest.raises(EngineError, match=f"{why}.*ray start --head"):
            RayActors(address)


def test_ray_that_is_not_installed_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"hardsight\[ray\]"):
        RayActors()
