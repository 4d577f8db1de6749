"""A process of its own that holds a folder, see ``hardsight.core.lock``."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOLDING = """
import sys
from pathlib import Path
from hardsight.core.lock import locked
with locked(Path(sys.argv[1]), *map(bool, sys.argv[2:])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(folder: Path, beside: bool = False) -> Iterator[subprocess.Popen]:
    """Yield a process that holds a folder, by a file in it or beside it."""
    command = [sys.executable, "-c", HOLDING, str(folder), *["beside"] * beside]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()
