"""The most memory that something takes, by the kernel's own account; of Linux."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROCESS = Path("/proc/self")


@dataclass
class Peak:
    """The resident memory of this process in MiB."""

    before: float
    most: float = 0.0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measure the resident memory of this process before the block, and the most inside it."""
    (PROCESS / "clear_refs").write_text("5")  # the mark of the most falls to what is held now
    found = Peak(_resident())
    yield found
    found.most = _resident()


def _resident() -> float:
    """Return the most resident memory since the mark was last lowered, in MiB."""
    status = (PROCESS / "status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
