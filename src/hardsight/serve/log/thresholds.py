"""The versions of thresholds that were set beside a running line; none replaces another."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from hardsight.detectors import Calibration
from hardsight.serve.decision import now
from hardsight.serve.log.inspection import InspectionLog
from hardsight.serve.log.tables import THRESHOLDS


@dataclass(frozen=True)
class ThresholdVersion:
    """A calibration that was set for a model, and why."""

    version: int
    """From 1 on; 0 is that of the run folder."""
    calibration: Calibration
    note: str
    time: datetime = field(default_factory=now)


def thresholds(log: InspectionLog, model: str, model_hash: str) -> list[ThresholdVersion]:
    """Return the versions of a log for a model with these weights, oldest first."""
    mine = (THRESHOLDS.c.model == model) & (THRESHOLDS.c.model_hash == model_hash)
    rows = log.rows(select(THRESHOLDS).where(mine).order_by(THRESHOLDS.c.version))
    return [
        ThresholdVersion(row["version"], _calibration(row["calibration"]), row["note"], row["time"])
        for row in rows
    ]


def add_threshold(
    log: InspectionLog, model: str, model_hash: str, calibration: Calibration, note: str
) -> ThresholdVersion:
    """Write a new version to a log, and return it when it is on disk.

    Raises:
        LogError: it may not be taken as written; somebody else may have been faster.
    """
    known = thresholds(log, model, model_hash)
    made = ThresholdVersion(known[-1].version + 1 if known else 1, calibration, note)
    log.write(
        insert(THRESHOLDS).values(
            time=made.time,
            model=model,
            model_hash=model_hash,
            version=made.version,
            calibration=asdict(calibration),
            note=note,
        )
    )
    return made


def _calibration(values: Mapping[str, Any]) -> Calibration:
    return Calibration(**{**values, "normal_scores": tuple(values["normal_scores"])})
