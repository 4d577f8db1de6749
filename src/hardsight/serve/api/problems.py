"""Errors as clients see them: RFC 9457, and ``{"error": ...}`` under ``/v2``."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from hardsight.core.run_folders import BundleError, RunError
from hardsight.core.validation import first_problem
from hardsight.data import ImageError
from hardsight.serve.log import LogError, UnknownDecisionError
from hardsight.serve.measures import Measures
from hardsight.serve.models import ModelError, UnknownModelError
from hardsight.serve.recalibration import RecalibrationError
from hardsight.serve.reports import UnknownReportError
from hardsight.serve.scoring import QueueFullError, StoppedError

_log = logging.getLogger(__name__)
TITLES = {
    400: "The request is not understood",
    401: "A token is needed",
    403: "Not allowed from there",
    404: "Not there",
    405: "Not done by this method",
    408: "The request took too long to arrive",
    409: "Not possible as things are",
    413: "Too large",
    415: "Another media type is needed",
    422: "The content cannot be used",
    429: "Too much at a time",
    500: "The service failed",
    503: "Not available now",
    507: "The disk is full",
}
STATUS: Mapping[type[Exception], int] = {
    ImageError: 422,
    ModelError: 422,
    RunError: 422,
    BundleError: 422,
    RecalibrationError: 409,
    UnknownModelError: 404,
    UnknownDecisionError: 404,
    UnknownReportError: 404,
    StoppedError: 503,
}


class Problem(Exception):  # noqa: N818 - the name that RFC 9457 gives it
    """A request that is refused.

    Args:
        status: of HTTP.
        detail: what is wrong, and the way out.
        headers: of the answer.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers = dict(headers or {})

    def response(self, path: str) -> JSONResponse:
        """Return the answer, in the form that clients of a path expect."""
        if path.startswith("/v2"):
            return JSONResponse({"error": self.detail}, self.status, self.headers)
        title = TITLES.get(self.status, "Refused")
        content = {"type": "about:blank", "title": title, "status": self.status}
        return JSONResponse(
            content | {"detail": self.detail},
            self.status,
            self.headers,
            media_type="application/problem+json",
        )

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, where no route was reached."""
        await self.response(scope["path"])(scope, receive, send)


def again_after(seconds: int) -> dict[str, str]:
    """Return the header that tells a client when to try again."""
    return {"Retry-After": str(seconds)}


def problem_of(error: Exception) -> Problem:
    """Return what a client is told of an error of the library."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return Problem(error.status_code, str(error.detail), error.headers)
    if isinstance(error, RequestValidationError):
        return Problem(422, first_problem(error))
    if isinstance(error, ClientDisconnect):  # who is told so has gone
        return Problem(400, "the request ended before its body")
    if isinstance(error, QueueFullError):
        return Problem(429, str(error), again_after(error.seconds))
    if isinstance(error, LogError):
        return Problem(507 if error.full else 503, str(error), again_after(10))
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return Problem(status, str(error))
    _log.exception("an error that nobody foresaw", exc_info=error)
    return Problem(500, "the service failed; its log says why")


def explain_errors(app: FastAPI, measures: Measures) -> None:
    """Answer with a problem whatever is raised, and count the failures of the log."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, LogError):
            measures.log_failures.inc()
        return problem_of(error).response(request.url.path)

    known = (
        Problem, HTTPException, RequestValidationError, ClientDisconnect, QueueFullError, LogError,
    )  # fmt: skip
    for kind in (*known, *STATUS, Exception):
        app.add_exception_handler(kind, answer)
