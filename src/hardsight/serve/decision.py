"""The record of one inspected image, and what a person said of it afterwards."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a UUID of version 7 (RFC 9562, 5.7): later ones sort later, by the millisecond."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return str(UUID(int=value | 0b10 << 62 | secrets.randbits(62)))


@dataclass(frozen=True)
class Decision:
    """What a model said of one image: a row of the inspection log, never changed."""

    source: str
    """Where the image came from: a camera, a file, a client."""
    image: str
    """SHA-256 of the bytes that came in, in hexadecimal digits."""
    score: float
    """Higher is more anomalous."""
    p_value: float
    """The chance that a normal image scores as high, see ``Calibration.p_values``."""
    label: bool
    """True is anomalous: the score lies strictly above the threshold."""
    threshold: float
    model: str
    """Name under which the model is served."""
    model_hash: str
    """Hash of its weights and settings, see ``fingerprint``."""
    threshold_version: int = 0
    """0: the threshold of the run folder; from 1 on those set from feedback."""
    map_maximum: float = 0.0
    """The largest value of the anomaly map."""
    verdict: str | None = None
    """Good, suspicious or defect, by two detectors; None: one decided, see ``outcome``."""
    p_robust: float | None = None
    """Chance that a normal image is as conspicuous to the robust one of two detectors."""
    p_suspicion: float | None = None
    """Chance that a normal image is as suspicious to two detectors."""
    brightness: float | None = None
    """Statistic of the whole picture, as the next two are, see ``image_statistics``."""
    contrast: float | None = None
    sharpness: float | None = None
    id: str = field(default_factory=new_id)
    time: datetime = field(default_factory=now)
    """When it was decided, in UTC."""

    @property
    def outcome(self) -> str:
        """What is to be done with the part: good, anomalous; of two detectors see ``verdict``."""
        return self.verdict or ("anomalous" if self.label else "good")

    def told(self) -> dict[str, Any]:
        """Return all fields as others are told of them: with the outcome as the verdict."""
        return asdict(self) | {"verdict": self.outcome}


@dataclass(frozen=True)
class Feedback:
    """What a person found a decided image to be: a row of its own, beside the decision."""

    decision: str
    """Its id."""
    anomalous: bool
    """What the part truly was."""
    note: str = ""
    author: str = ""
    id: str = field(default_factory=new_id)
    time: datetime = field(default_factory=now)


Listener = Callable[[Sequence[Decision]], None]
"""What hears of decisions once they are on disk, in their order."""
