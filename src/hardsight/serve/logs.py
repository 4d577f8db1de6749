"""Structured logs: a JSON object a line."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON; ``extra={"facts": {...}}`` adds to it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= getattr(record, "facts", {})
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


@contextmanager
def logged_as_json(level: int = logging.INFO) -> Iterator[None]:
    """Write what hardsight and its server log, and what anything else warns of, as lines of JSON.

    They go to stderr. Afterwards loggers are what they were: a stream that is closed by then is
    written to no more.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    told = [logging.getLogger(name) for name in ("hardsight", "uvicorn", "py.warnings")]
    before = [(one, one.handlers, one.propagate, one.level) for one in (logging.root, *told)]
    logging.captureWarnings(True)
    for logger, *_ in before:
        logger.handlers, logger.propagate = [handler], False
    for logger in told:
        logger.setLevel(level)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for logger, handlers, propagate, was in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(was)
