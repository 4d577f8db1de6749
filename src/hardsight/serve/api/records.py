"""``/v1/decisions``: the log, its pictures, feedback, and thresholds set from it."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Depends, Response
from fastapi import Query as Asked
from fastapi.responses import StreamingResponse

from hardsight.core.spreadsheet import cell
from hardsight.serve.api.problems import Problem
from hardsight.serve.api.shapes import (
    Decided,
    DriftShown,
    FeedbackRequest,
    LoggedDecision,
    LogPage,
    RecalibrateRequest,
    Said,
    ThresholdShown,
)
from hardsight.serve.decision import Decision, Feedback
from hardsight.serve.log import Logged, Query
from hardsight.serve.log.pictures import Picture
from hardsight.serve.log.thresholds import ThresholdVersion, thresholds
from hardsight.serve.recalibration import Span, recalibrate_from_feedback
from hardsight.serve.service import Service

COLUMNS = ("number", *(field.name for field in fields(Decision)), "truth")
Number: TypeAlias = Annotated[int | None, Asked(ge=0, lt=2**63)]
MEDIA = {"thumbnail.jpg": "image/jpeg", "heat.png": "image/png"}


def query(
    model: str | None = None,
    label: Annotated[bool | None, Asked(description="true: alarms alone.")] = None,
    verdict: Annotated[
        Literal["good", "suspicious", "defect"] | None, Asked(description="Of two detectors.")
    ] = None,
    source: Annotated[str | None, Asked(description="The beginning of the source.")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    judged: Annotated[bool | None, Asked(description="Whether there is feedback.")] = None,
    after: Number = None,
    before: Number = None,
    newest_first: bool = True,
    limit: Annotated[int, Asked(ge=1, le=1000)] = 100,
) -> Query:
    """Read a query of the log from a URL."""
    try:
        return Query(
            model=model,
            label=label,
            verdict=verdict,
            source=source,
            since=since,
            until=until,
            judged=judged,
            after=after,
            before=before,
            newest_first=newest_first,
            limit=limit,
        )
    except ValueError as error:
        raise Problem(422, str(error)) from error


LogQuery = Annotated[Query, Depends(query)]


def record_routes(service: Service) -> APIRouter:
    """Return the routes of the log."""
    routes = APIRouter(prefix="/v1", tags=["log"])
    log = service.log

    @routes.get("/decisions")
    def list_decisions(asked: LogQuery) -> LogPage:
        """List decisions that meet every condition, with what was said of them."""
        page = log.read(asked)
        said = log.feedback(each.decision.id for each in page)
        shown = [
            LoggedDecision(
                **each.decision.told(),
                number=each.number,
                pictures=service.pictures.kept(each.decision.id),
                feedback=[Said.of(words) for words in said.get(each.decision.id, ())],
            )
            for each in page
        ]
        beyond = page[-1].number if len(page) == asked.limit else None
        total = log.count(replace(asked, after=None, before=None))
        return LogPage(total=total, decisions=shown, beyond=beyond)

    @routes.get("/decisions.csv", response_class=StreamingResponse)
    def decisions_as_csv(asked: LogQuery) -> StreamingResponse:
        """Write all decisions that meet every condition, whatever the limit, as CSV."""
        return StreamingResponse(
            _lines(service, asked),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="decisions.csv"'},
        )

    @routes.get("/decisions/{decision}")
    def show_decision(decision: str) -> Decided:
        """Show one decision."""
        return Decided.of(log.decision(decision))

    @routes.get("/decisions/{decision}/{picture}", response_class=Response)
    def show_picture(decision: str, picture: Literal["thumbnail.jpg", "heat.png"]) -> Response:
        """Show a picture that the policy kept."""
        kept: Picture = picture
        data = service.pictures.read(log.decision(decision).id, kept)
        if data is None:
            raise Problem(404, f"no {picture} of {decision} is kept; the policy says whose are")
        return Response(data, media_type=MEDIA[picture])

    @routes.post("/decisions/{decision}/feedback", status_code=201)
    def judge(decision: str, said: FeedbackRequest) -> Said:
        """Say what a part was found to be; a row of its own, on disk before the answer."""
        feedback = Feedback(decision, said.anomalous, said.note, said.author)
        log.judge(feedback)
        return Said.of(feedback)

    @routes.get("/models/{name}/drift")
    def show_drift(name: str) -> DriftShown:
        """Show whether the scores of a line are still those of the calibration."""
        return DriftShown.of(service.drift.of(service.models.get(name)))

    @routes.get("/models/{name}/thresholds")
    def list_thresholds(name: str) -> list[ThresholdShown]:
        """List the versions of a model's threshold that were set from feedback."""
        model = service.models.get(name)
        return [_shown(version) for version in thresholds(log, model.name, model.hash)]

    @routes.post("/models/{name}/recalibrate", status_code=201)
    def recalibrate(name: str, asked: RecalibrateRequest) -> ThresholdShown:
        """Set a new version of the threshold on the good parts of a time, and put it in force."""
        model = service.models.get(name)
        try:
            span = Span(asked.since, asked.until, asked.level)
        except ValueError as error:
            raise Problem(422, str(error)) from error
        version = recalibrate_from_feedback(log, model, span)
        service.models.put_in_force(model, version)
        return _shown(version)

    return routes


def _shown(version: ThresholdVersion) -> ThresholdShown:
    return ThresholdShown(
        version=version.version,
        threshold=version.calibration.threshold,
        level=version.calibration.level,
        statement=version.calibration.statement,
        note=version.note,
        time=version.time,
    )


def _lines(service: Service, asked: Query) -> Iterator[str]:
    """Yield the log as CSV, a page at a time, the last word of feedback as the truth."""
    yield _csv([COLUMNS])
    page: list[Logged] = []
    for logged in service.log.each(asked):
        page.append(logged)
        if len(page) == asked.limit:
            yield _rows(service, page)
            page = []
    yield _rows(service, page)


def _rows(service: Service, page: list[Logged]) -> str:
    said = service.log.feedback(each.decision.id for each in page)
    rows = []
    for each in page:
        words = said.get(each.decision.id)
        truth = words[-1].anomalous if words else ""
        values = [*each.decision.told().values(), truth]
        rows.append([each.number, *(_text(value) for value in values)])
    return _csv(rows)


def _text(value: object) -> object:
    """Return a value as a cell of a spreadsheet."""
    return value.isoformat() if isinstance(value, datetime) else cell(value)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
