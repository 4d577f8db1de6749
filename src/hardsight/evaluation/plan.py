"""How a subject is measured, and what is to be said of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Self

from hardsight.core.engine import HERE, Engine
from hardsight.core.progress import Progress, quiet
from hardsight.detectors import Calibration
from hardsight.evaluation.batches import Resumable, minutes_until

UNAUDITED = "not audited"


@dataclass(frozen=True)
class Protocol:
    """How a subject is measured.

    Args:
        fresh_draws: noise draws looked at after each attack, none of which it saw; at least 10 for
            a table.
        seed: of all randomness.
        batch_size: images attacked at a time.
        gallery: images shown in the report, spread evenly.
        curve: radii of the figure against eps, attacked by a quick PGD; empty for none.
        corruptions: severities, 1 to 5, at which all nineteen corruptions are looked at; empty for
            none.

    Raises:
        ValueError: a number below its least, or one where there may be several.
    """

    fresh_draws: int = 10
    seed: int = 0
    batch_size: int = 8
    gallery: int = 8
    curve: Sequence[float] = ()
    corruptions: Sequence[int] = ()

    def __post_init__(self) -> None:
        least = {"fresh_draws": 1, "batch_size": 1, "gallery": 0, "seed": -math.inf}
        for name, fewest in least.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < fewest:
                bound = f" of at least {fewest}" if math.isfinite(fewest) else ""
                raise ValueError(f"{name} must be a whole number{bound}, got {value!r}")
        for name, example in (("curve", "[2 / 255, 4 / 255]"), ("corruptions", "[1, 3, 5]")):
            value = getattr(self, name)
            if isinstance(value, str | Real) or not all(isinstance(v, Real) for v in value):
                raise ValueError(f"{name} must be a list of numbers, as {example}, got {value!r}")


@dataclass(frozen=True)
class Execution:
    """How a measurement is carried out; nothing here changes its result.

    Args:
        folder: where finished batches are kept; what was killed goes on from there. None keeps
            nothing.
        max_minutes: begin nothing more after this long, and say what is missing; None: no limit.
        progress: told of every finished batch.
        engine: makes the batches.

    Raises:
        ValueError: minutes that are no number.
    """

    folder: str | Path | None = None
    max_minutes: float | None = None
    progress: Progress = quiet
    engine: Engine = HERE

    def __post_init__(self) -> None:
        if not isinstance(self.max_minutes, Real | None):
            raise ValueError(f"max_minutes must be a number or None, got {self.max_minutes!r}")

    def until(self, moment: float) -> Self:
        """Return this with the minutes that are left until a ``deadline``."""
        return replace(self, max_minutes=minutes_until(moment))

    def batches(self, name: str, deadline: float = math.inf) -> Resumable:
        """Return how the batches of one part of the measurement are made.

        Args:
            name: of the part, and of the folder inside that where they are kept.
            deadline: ``time.monotonic()`` after which no further batch is begun.
        """
        place = Path(self.folder) / name if self.folder else None
        return Resumable(place, deadline, self.engine)


@dataclass(frozen=True)
class Record:
    """What a report says besides what was measured.

    Args:
        title: None: of the model and the data.
        stamp: reasons not to trust a robust figure, put on every attacked row, see ``Audit.stamp``;
            None: it was not audited.
        provenance: what else the report shows of the run.
        previous: the calibration before the detector's own: alarms are counted at its threshold,
            too.

    Raises:
        TypeError: a stamp that is one text: each letter would be a reason.
    """

    title: str | None = None
    stamp: Sequence[str] | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    previous: Calibration | None = None

    def __post_init__(self) -> None:
        if isinstance(self.stamp, str):
            raise TypeError(f"stamp must be a list of reasons, got {self.stamp!r}; give [reason]")

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of every attacked row."""
        return (UNAUDITED,) if self.stamp is None else tuple(self.stamp)
