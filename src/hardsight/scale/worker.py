"""What a worker does, in a process of its own, wherever that is.

Nothing here loads torch: the work does, after the threads are decided.
"""

import os
import pickle
from typing import Any

from hardsight.core.engine import Tell, Work


class Worker:
    """Carries out keys of a work, one at a time.

    Args:
        threads: that compute; of a process that has not loaded torch yet.
    """

    def __init__(self, threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self._packed = b""
        self._work: Work[Any, Any] | None = None

    def take(self, packed: bytes) -> None:
        """Have all keys from now on carried out by this pickled work."""
        self._packed, self._work = packed, None

    def carry_out(self, key: Any, tell: Tell) -> tuple[str, Any]:
        """Return ("done", result), or ("failed", error) of a key, or of unpacking the work."""
        try:
            if self._work is None:
                self._work = unpack(self._packed)
                self._packed = b""
            return "done", self._work(key, tell)
        except Exception as error:  # noqa: BLE001 - is raised where the key came from
            return "failed", _portable(error)


def pack(value: object) -> bytes:
    """Pickle a value by copy: tensors share no memory with a process that may die."""
    return pickle.dumps(value)


def unpack(packed: bytes) -> Any:
    """Return the value that the other side packed."""
    return pickle.loads(packed)  # noqa: S301 - of a worker of this program, or who began it


def _portable(error: Exception) -> Exception:
    """Return an error as it is if it can be packed and unpacked, else one that says as much."""
    try:
        unpack(pack(error))
    except Exception:  # noqa: BLE001 - whatever a class of errors makes of it
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
