"""A cluster that loses a node, in a file of its own: no process is in two clusters."""

import os
import sys
from pathlib import Path

import pytest
from counting import Squares

from hardsight.scale.pool import Pool
from hardsight.scale.ray_actors import RayActors


@pytest.mark.slow
def test_a_lost_node_costs_what_its_workers_were_at(tmp_path, monkeypatch):
    cluster = pytest.importorskip("ray.cluster_utils", reason="the extra ray is not installed")
    path = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    monkeypatch.setenv("PYTHONPATH", path)  # actors import this folder's files
    nodes = cluster.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    lost = [nodes.add_node(num_cpus=1)]

    def lose(place, *event):
        if place >= 2 and lost:
            nodes.remove_node(lost.pop(), allow_graceful=False)

    try:
        work = Squares(tmp_path, seconds=0.5)
        with Pool(RayActors(nodes.address, size=2)) as pool:
            assert dict(pool.run(work, range(6), lose)) == {i: i * i for i in range(6)}
    finally:
        nodes.shutdown()
    assert not lost
    assert sum(work.attempts(i) for i in range(6)) <= 7
