"""Linux control groups, which say how much of a machine a process may take."""

from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def control_groups(controller: str, cgroups: Path = CGROUPS, own: Path = OWN) -> Iterator[Path]:
    """Yield the folders of the process's control groups, and of those above, that limit it too.

    Args:
        controller: "cpu" or "memory".
        cgroups: where the controllers are mounted, of version 1 or 2.
        own: the process's groups, lines of ``number:controllers:path``; none where it is not there.
    """
    if not own.is_file():
        return
    for line in own.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "" or controller in controllers.split(","):
            root = cgroups / (controller if controllers else "")
            group = root / path.lstrip("/")
            yield from (p for p in (group, *group.parents) if p.is_relative_to(root))
