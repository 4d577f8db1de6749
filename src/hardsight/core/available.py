"""Memory that a process may still take: of the machine, and of its control groups."""

import math
import os
from pathlib import Path
from typing import NamedTuple

from hardsight.core.control_groups import CGROUPS, OWN, control_groups

_MEMINFO = Path("/proc/meminfo")
_LIMITS = {"memory.max": "memory.current", "memory.limit_in_bytes": "memory.usage_in_bytes"}
"""File of a group's limit -> that of its use, of version 2 and of version 1."""


class Memory(NamedTuple):
    """Memory in GiB."""

    free: float
    """What may still be taken."""
    whole: float
    """What there is for this process and all others."""


def memory() -> Memory | None:
    """Return the memory of this machine, as far as the process may take it; None: it is not known.

    The system's caches count as free: they give way.
    """
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        whole, free = (os.sysconf(f"SC_{name}_PAGES") * page for name in ("PHYS", "AVPHYS"))
    except (AttributeError, ValueError, OSError):  # no POSIX system
        return None
    return Memory(*(size / 2**30 for size in within_groups(_available(free), whole)))


def within_groups(
    free: float, whole: float, cgroups: Path = CGROUPS, own: Path = OWN
) -> tuple[float, float]:
    """Return bytes that are free, and all there are, as far as control groups allow them.

    Args:
        free, whole: of the machine.
        cgroups, own: see ``control_groups``.
    """
    for group in control_groups("memory", cgroups, own):
        limit, used = _limit_and_use(group)
        free, whole = min(free, max(0, limit - used)), min(whole, limit)
    return free, whole


def _limit_and_use(group: Path) -> tuple[float, float]:
    """Return the bytes that a group may take, inf for no limit, and those that it has taken.

    Files that the system keeps in memory are not counted: they give way.
    """
    for limit, use in _LIMITS.items():
        files = [group / name for name in (limit, use, "memory.stat")]
        if all(file.is_file() for file in files):
            most, used, told = (file.read_text(encoding="utf-8") for file in files)
            stat = dict(line.split() for line in told.splitlines())
            total = "total_" if "total_cache" in stat else ""  # with the groups below, version 1
            cached = sum(int(stat.get(f"{total}{n}_file", 0)) for n in ("active", "inactive"))
            return math.inf if most.strip() == "max" else int(most), max(0, int(used) - cached)
    return math.inf, 0


def _available(free: float) -> float:
    """Return the bytes that Linux says it can give without swapping; elsewhere those free."""
    if _MEMINFO.is_file():
        for line in _MEMINFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return free
