import math
import os
import subprocess
import sys

import pytest

from hardsight.core.threads import cgroup_quota, share_cpus, usable_cpus

PROGRAM = """
import hardsight.cli.app, os, sys
from hardsight.core.threads import share_cpus, usable_cpus
assert "torch" not in sys.modules  # what is set reaches OpenMP
share_cpus()
import torch
print(torch.get_num_threads(), usable_cpus(), os.environ["OMP_WAIT_POLICY"])
"""


@pytest.mark.parametrize(
    ("own", "files", "quota"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n"}, math.inf),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/not/mounted\n", {"cpu.max": "200000 100000\n"}, 2.0),
        (
            "5:cpu,cpuacct:/a\n2:memory:/b\n",
            {"cpu/a/cpu.cfs_quota_us": "250000\n", "cpu/a/cpu.cfs_period_us": "100000\n"},
            2.5,
        ),
        (
            "1:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            math.inf,
        ),
        ("3:memory:/a\n", {"a/cpu.max": "1 100000\n"}, math.inf),
    ],
)
def test_the_quota_of_a_container(tree, own, files, quota):
    assert cgroup_quota(*tree(own, files)) == quota


def test_without_control_groups_there_is_no_quota(tmp_path):
    assert cgroup_quota(tmp_path, tmp_path / "none") == math.inf


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_only_the_cpus_of_the_process_count():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert 1 <= usable_cpus() <= len(before)


def test_what_the_user_set_stays():
    own = {"OMP_NUM_THREADS": "7", "GOMP_SPINCOUNT": "9"}
    found = dict(own)
    share_cpus(found)
    assert found == own
    found = {"MKL_NUM_THREADS": "3"}
    share_cpus(found)
    assert found == {"MKL_NUM_THREADS": "3", "OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}


def test_the_command_line_sets_it_before_torch_is_loaded():
    names = {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}
    names |= {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"}
    plain = {k: v for k, v in os.environ.items() if k not in names}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=plain, capture_output=True, text=True, check=True
    )
    threads, cpus, policy = done.stdout.split()
    assert threads == cpus
    assert policy == "PASSIVE"
