"""A new threshold from what a line has seen, and what people said of its alarms."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from hardsight.detectors import Calibration
from hardsight.serve.decision import Decision
from hardsight.serve.log import InspectionLog, Query
from hardsight.serve.log.query import check_times
from hardsight.serve.log.thresholds import ThresholdVersion, add_threshold
from hardsight.serve.models import ServedModel


class RecalibrationError(ValueError):
    """A span of the log that no threshold can be set on; the message says the way out."""


@dataclass(frozen=True)
class Span:
    """Which decisions a threshold is set on: all of a time, none picked by its score.

    Raises:
        ValueError: times as of ``check_times``.
    """

    since: datetime
    until: datetime | None = None
    """Before this time; None: up to now."""
    level: float | None = None
    """False-alarm rate; None: that of the threshold in force."""

    def __post_init__(self) -> None:
        check_times(since=self.since, until=self.until)


def good_parts(log: InspectionLog, model: ServedModel, span: Span) -> list[Decision]:
    """Return the decisions of a span that were about good parts.

    Split-conformal calibration wants normal parts that are exchangeable with those to come: all of
    a time, whatever their score. So every alarm must have been judged: without the false ones the
    threshold would promise too much. What raised no alarm counts as good, unless somebody said that
    it was missed. The last word about a part counts.

    Raises:
        RecalibrationError: an alarm that nobody judged.
    """
    query = Query(model.name, model.hash, since=span.since, until=span.until)
    decided = [logged.decision for logged in log.each(query)]
    said = {key: words[-1].anomalous for key, words in log.feedback(d.id for d in decided).items()}
    open_alarms = [d.id for d in decided if d.label and d.id not in said]
    if open_alarms:
        raise RecalibrationError(
            f"{len(open_alarms)} alarms of the span have no feedback, first {open_alarms[0]}: say "
            "of each whether it was true, since a threshold set without the false ones would "
            "promise too much; or take a span in which all are judged"
        )
    return [d for d in decided if not said.get(d.id, d.label)]


def recalibrate_from_feedback(
    log: InspectionLog, model: ServedModel, span: Span
) -> ThresholdVersion:
    """Set a threshold on the good parts of a span, as a version of its own in the log.

    Returns:
        the version, which ``Models.put_in_force`` takes.

    Raises:
        RecalibrationError: an alarm that nobody judged, or too few good parts for the level.
        LogError: the version could not be written.
    """
    good = good_parts(log, model, span)
    level = model.calibration.level if span.level is None else span.level
    scores, maxima = (
        np.array([getattr(d, name) for d in good]) for name in ("score", "map_maximum")
    )
    try:
        found = Calibration.fit(scores, maxima, level)
    except ValueError as error:
        raise RecalibrationError(f"the span has {len(good)} good parts: {error}") from error
    judged = f"{len(good)} good parts from {span.since.isoformat()} on"
    calibration = found.decoded_as(model.detector.decoding)
    return add_threshold(log, model.name, model.hash, calibration, f"set on {judged}")
