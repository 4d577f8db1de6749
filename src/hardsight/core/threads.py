"""How many threads compute and how they wait: decided before torch is loaded."""

import math
import os
from collections.abc import MutableMapping
from pathlib import Path

from hardsight.core.control_groups import CGROUPS, OWN, control_groups


def share_cpus(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let OpenMP use the CPUs that this process may use, and sleep while it waits.

    Threads that spin while they wait for a slower one take the time of that very one wherever
    another program wants the CPU too: a busy neighbour then costs many times its share. What the
    user has set stays. Meant for programs, before torch is imported: OpenMP reads it but once.

    Args:
        environment: where OpenMP will look.
    """
    if not environment.keys() & {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}:
        environment["OMP_NUM_THREADS"] = str(usable_cpus())
    if not environment.keys() & {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"}:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
        environment["KMP_BLOCKTIME"] = "0"  # Intel's and LLVM's OpenMP


def usable_cpus() -> int:
    """Return how many CPUs this process may use, by its affinity and the quota of its cgroups."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, math.ceil(min(found or 1, cgroup_quota())))


def cgroup_quota(cgroups: Path = CGROUPS, own: Path = OWN) -> float:
    """Return the CPU time a second that the process's control groups allow, inf for no limit.

    Args:
        cgroups, own: see ``control_groups``.
    """
    return min(map(_quota, control_groups("cpu", cgroups, own)), default=math.inf)


def _quota(group: Path) -> float:
    """Return the limit of one group: quota / period, of version 2 in one file, of 1 in two."""
    both = group / "cpu.max"
    files = [both] if both.is_file() else [group / f"cpu.cfs_{n}_us" for n in ("quota", "period")]
    if not all(f.is_file() for f in files):
        return math.inf
    quota, period = " ".join(f.read_text(encoding="utf-8") for f in files).split()
    return math.inf if quota in ("max", "-1") else int(quota) / int(period)
