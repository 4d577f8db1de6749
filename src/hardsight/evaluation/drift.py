"""Drift of a stream of parts: whether what comes now is still what the detector was set on."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json
from hardsight.metrics.drift import (
    EVEN,
    fewest_parts,
    jumper_factors,
    sequential_p_values,
    shiryaev_roberts,
)

ONCE_IN = 10_000
"""Parts in which one false alarm is tolerated, on average."""
EPOCH = 5_000
"""Parts after which a stream is held against the reference alone again, which bounds its memory."""


class Watched(NamedTuple):
    """What one stream showed: an entry for each part."""

    p_values: NDArray[np.float64]
    """(N,) uniform while nothing changes, see ``sequential_p_values``."""
    evidence: NDArray[np.float64]
    """(N,) the Shiryaev-Roberts statistic in shares of the limit: an alarm at 1 and above."""

    @property
    def alarms(self) -> NDArray[np.bool_]:
        """(N,) true where an alarm was raised."""
        return self.evidence >= 1


class StreamMonitor:
    """One value of each part, held against those of the reference and of the parts before.

    Args:
        reference: (n,) values of good parts; may be empty: then of the stream's own beginning.
        limit: parts in which one false alarm is tolerated, see ``shiryaev_roberts``.
        seed: of the ties, see ``sequential_p_values``.
        epoch: parts after which it begins anew with the reference. The expected numbers of false
            alarms of all epochs add up, so that the guarantee is the same for any length.
    """

    def __init__(
        self, reference: ArrayLike, limit: float, seed: int = 0, epoch: int = EPOCH
    ) -> None:
        self.reference, self.limit, self.epoch = np.asarray(reference, np.float64), limit, epoch
        self._generator = np.random.default_rng(seed)
        self._begin()

    def _begin(self) -> None:
        self._values: list[float] = []
        self._stakes, self._statistic = EVEN, 0.0

    def add(self, values: ArrayLike) -> Watched:
        """Take in the values (N,) of the next parts.

        Raises:
            ValueError: a value that is not finite.
        """
        given = np.asarray(values, np.float64)
        found = [Watched(np.empty(0), np.empty(0))]
        while given.size:
            room = self.epoch - len(self._values)
            found.append(self._step(given[:room]))
            given = given[room:]
            if len(self._values) == self.epoch:
                self._begin()
        return Watched(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _step(self, values: NDArray[np.float64]) -> Watched:
        """Take in values that all are of this epoch."""
        past = np.concatenate([self.reference, self._values])
        p = sequential_p_values(values, past, self._generator)
        factors, self._stakes = jumper_factors(p, self._stakes)
        statistic, alarms = shiryaev_roberts(factors, self.limit, self._statistic)
        self._values += values.tolist()
        self._statistic = 0.0 if alarms[-1] else float(statistic[-1])
        return Watched(p, statistic / self.limit)

    def state(self) -> dict[str, Any]:
        """Return all that the next part depends on, for JSON."""
        return {
            "reference": self._digest(),
            "limit": self.limit,
            "values": self._values,
            "statistic": self._statistic,
            "stakes": self._stakes.tolist(),
            "generator": self._generator.bit_generator.state,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state``.

        Raises:
            ValueError: it is that of another reference or limit.
        """
        if state["reference"] != self._digest() or state["limit"] != self.limit:
            raise ValueError("it was begun against other good parts, or with another limit")
        self._values = [float(value) for value in state["values"]]
        self._statistic, self._stakes = float(state["statistic"]), np.asarray(state["stakes"])
        self._generator.bit_generator.state = state["generator"]

    def _digest(self) -> str:
        return hashlib.sha256(np.sort(self.reference).tobytes()).hexdigest()[:16]


class Alarm(NamedTuple):
    """Says which stream drifted, and at which part."""

    stream: str
    part: int
    """Its number, from 1 on."""

    def __str__(self) -> str:
        return f"drift of {self.stream} at part {self.part}"


class DriftMonitor:
    """Several values of each part, a stream each: the score, brightness, contrast, sharpness.

    While the parts are good ones, exchangeable with the reference, all streams together raise at
    most one false alarm in ``once_in`` parts, on average over references: each of the k streams
    has the limit ``k once_in``. Defective parts are a change too.

    Args:
        references: stream -> (n,) values of good parts, see ``StreamMonitor``.
        once_in: parts in which one false alarm is tolerated.
        seed: of the ties.
    """

    def __init__(
        self, references: Mapping[str, ArrayLike], once_in: int = ONCE_IN, seed: int = 0
    ) -> None:
        self.limit = once_in * len(references)
        self.once_in, self.parts = once_in, 0
        self.alarms: list[Alarm] = []
        self._streams = {
            name: StreamMonitor(reference, self.limit, seed)
            for name, reference in references.items()
        }

    @property
    def fewest_parts(self) -> int:
        """After how many parts it can raise its first alarm at the earliest, whatever they are."""
        return fewest_parts(self.limit)

    def add(self, values: Mapping[str, ArrayLike]) -> dict[str, Watched]:
        """Take in the next parts; ``alarms`` grows where one is raised.

        Args:
            values: stream -> (N,) at least those of the references.
        """
        found = {name: one.add(values[name]) for name, one in self._streams.items()}
        raised = [
            Alarm(name, self.parts + 1 + int(i))
            for name, watched in found.items()
            for i in np.flatnonzero(watched.alarms)
        ]
        self.alarms += sorted(raised, key=lambda alarm: alarm.part)
        self.parts += max(one.evidence.size for one in found.values())
        return found

    def write(self, path: Path) -> None:
        """Write the state, so that another process goes on as this one would."""
        streams = {name: stream.state() for name, stream in self._streams.items()}
        state = {"parts": self.parts, "alarms": self.alarms, "streams": streams}
        write_atomically(path, json.dumps(state) + "\n")

    def resume(self, path: Path) -> None:
        """Go on from what ``write`` wrote; where there is no such file, begin.

        Raises:
            ValueError: it is none, or was begun with another reference or limit.
        """
        if not path.exists():
            return

        def restore(state: dict[str, Any]) -> None:
            if state["streams"].keys() != self._streams.keys():
                raise ValueError(f"it watches {', '.join(state['streams'])}")
            for name, stream in self._streams.items():
                stream.restore(state["streams"][name])
            self.parts = int(state["parts"])
            self.alarms = [Alarm(*alarm) for alarm in state["alarms"]]

        read_json(
            path, "begin anew with another file", restore, fault="no state of this drift monitor"
        )
